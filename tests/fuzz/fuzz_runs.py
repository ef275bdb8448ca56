"""Fixtures: a run of random inputs, short in every run of the tests and longer with `-m slow`."""

import secrets
import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from fuzz_table import TARGETS, record
from fuzzing import Budget, install_watch, try_inputs


@pytest.fixture(params=["briefly", pytest.param("at length", marks=pytest.mark.slow)])
def fuzz(request, tmp_path):
    """Return a function that runs a target on random inputs, and fails where any of them does."""
    options = request.config.option
    seed = secrets.randbelow(10**9) if options.fuzz_seed == "random" else int(options.fuzz_seed)
    is_long = request.param == "at length"
    budget = Budget(seed, options.fuzz_seconds if is_long else None, options.fuzz_input)
    test = f"{Path(request.node.path).relative_to(request.config.rootpath)}"
    name = shlex.quote(request.node.originalname)
    install_watch(tmp_path)

    def run(target, make, use, *, count, writable=(), readable=()):
        """Try `count` inputs of a target, or as many as there is time for."""
        assert target in TARGETS
        for folder in readable:
            install_watch(folder)
        command = f"python -m pytest {test} -k {name}"
        result = try_inputs(
            target, budget, make, use, count=count, writable=writable, command=command
        )
        if result.failures:
            head = f"{result.failed} of {result.inputs} inputs failed"
            pytest.fail("\n\n".join([head, *result.failures.values()]), pytrace=False)
        if budget.only is None:  # a target of which nothing is accepted, or refused, shows nothing
            assert result.accepted
            assert result.refused
        if is_long and budget.only is None:
            record(target, result.inputs, budget.seconds)
        return replace(result)

    return run
