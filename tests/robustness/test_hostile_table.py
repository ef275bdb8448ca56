"""The table of hostile input has a row for each case, and says how many there are."""

from hostile import HOSTILE
from tables import PAGE


def test_the_table_has_every_case_and_their_number():
    HOSTILE.check_cases()

    assert f"{len(HOSTILE.cases)} cases, 0 failures" in " ".join(PAGE.read_text("utf-8").split())
