"""A signal at any place of any verb: one line, no half file, and the next run is right."""

import pytest
from bench import VERBS, spread
from fault_checks import EVERY, SIGNALS, kill
from tables import Table

from otio_speakerzoom.cli import verbs as cli_verbs

pytest_plugins = ["bench_folder"]

PLACES = 5
"""At which each signal is sent, spread over all places of a verb."""


KILLS = Table("kills", ("verb", *SIGNALS, "failed"), tuple(VERBS))


@pytest.mark.slow
@pytest.mark.parametrize("name", VERBS)
def test_a_verb_can_be_killed_anywhere(bench, name):
    places = bench.reference(name).places
    assert places
    wrong, seen, counts = [], set(), []
    for signal_name in SIGNALS:
        chosen = spread(len(places), len(places) if EVERY else PLACES)
        counts.append(len(chosen))
        for at in chosen:
            wrong += kill(bench, name, at, signal_name, seen)
    assert not wrong, "\n".join(wrong)
    if not EVERY:
        KILLS.check(name, *counts, len(wrong))


def test_the_table_has_every_verb():
    words = {verb.words[0] for verb in VERBS.values()}
    assert words | {"batch", "review", "serve"} == set(cli_verbs.VERBS)
    KILLS.check_cases()
