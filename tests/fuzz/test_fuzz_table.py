"""The page says of every target how many inputs it has survived."""

import re

import pytest
from fuzz_table import TABLE, TARGETS
from robustness.tables import WRITE


def test_every_target_has_its_row():
    TABLE.check_cases()


@pytest.mark.parametrize("target", TARGETS)
def test_a_row_counts_inputs_and_no_failure(target):
    what, outcome = TARGETS[target]
    count = r"[\d,]+ in [\d.]+ minutes"

    if WRITE:  # others write the page meanwhile
        return
    row = TABLE.rows().get(what, "no row")
    assert re.fullmatch(rf"\| {re.escape(what)} \| {count} \| 0 \| {re.escape(outcome)} \|", row)
