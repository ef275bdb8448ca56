"""Options of pytest for the random inputs of `tests/fuzz`."""


def add_options(parser):
    group = parser.getgroup("fuzz", "random inputs of tests/fuzz")
    group.addoption(
        "--fuzz-seconds", type=float, default=30, metavar="S",
        help="how long the tests marked `slow` try inputs, each (30)",
    )  # fmt: skip
    group.addoption(
        "--fuzz-seed", default="1", metavar="N",
        help="the number that all inputs follow from, or `random` for a new one (1)",
    )  # fmt: skip
    group.addoption(
        "--fuzz-input", type=int, metavar="N", help="try only this input; a failure names it"
    )
