"""A few of the many faults of the slow tests: an export is killed, and its disk is full."""

import errno

from bench import VERBS, spread
from fault_checks import SIGNALS, faults_of_failed_write, kill
from faults import NOT_REMOVALS

pytest_plugins = ["bench_folder"]


def test_an_export_can_be_killed_where_it_saves(bench):
    """A few of the many kills of the slow tests, with every signal."""
    places = bench.reference("export").places
    wrong, seen = [], set()
    for at, signal_name in zip(spread(len(places), len(SIGNALS)), SIGNALS, strict=True):
        wrong += kill(bench, "export", at, signal_name, seen)
    assert not wrong, "\n".join(wrong)


def test_an_export_meets_a_full_disk_at_each_write(bench):
    """A few of the many failures of the slow tests."""
    reference, wrong, seen = bench.reference("export"), [], set()
    places = [place for place in reference.places if place[0] in NOT_REMOVALS]
    for at in spread(len(places), 4):
        bench.begin(VERBS["export"].begin)
        fault = {"kind": "error", "at": at, "errno": errno.ENOSPC, "lasting": True}
        ended = bench.run(VERBS["export"], fault)
        assert ended.hit
        wrong += [
            f"{places[at]}: {text}" for text in faults_of_failed_write(bench, "export", ended, seen)
        ]
    assert not wrong, "\n".join(wrong)
