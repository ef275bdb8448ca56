"""Tables of docs/robustness.md that tests write: a row for each case, with its outcome.

A test gives the outcome that it saw to `Table.check`, which compares it with the page. With
SPEAKERZOOM_WRITE_TABLES=1, as `make robustness` sets it, the outcome replaces the row instead.
"""

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

PAGE = Path(__file__).parents[2] / "docs" / "robustness.md"
WRITE = os.environ.get("SPEAKERZOOM_WRITE_TABLES") == "1"


@dataclass(frozen=True)
class Table:
    """A table between two comments of the page that name it."""

    name: str
    columns: Sequence[str]
    """The first names the case."""
    cases: Sequence[str]
    """Names of all cases, in the order of the rows."""

    def check(self, case, *outcome):
        """Compare the row of a case with the page, or write it there."""
        assert case in self.cases, case
        assert len(outcome) == len(self.columns) - 1
        row = _row(case, *outcome)
        if WRITE:
            with FileLock(Path(tempfile.gettempdir(), "speakerzoom-robustness.lock")):
                rows = self.rows() | {_cell(case): row}
                self._write([rows[_cell(name)] for name in self.cases if _cell(name) in rows])
            return
        page = self.rows().get(_cell(case), "no row")
        assert page == row, f"{PAGE.name} differs; if the new outcome is right: make robustness"

    def check_cases(self):
        """Check that the page has a row for every case, in order, and no other."""
        if not WRITE:
            assert list(self.rows()) == [_cell(name) for name in self.cases]

    def rows(self):
        """Return the rows on the page by their case."""
        _, inside, _ = self._split()
        lines = [line for line in inside.splitlines() if line.startswith("| ")][1:]
        return {_first_cell(line): line for line in lines}

    def _write(self, rows):
        before, _, after = self._split()
        head = [_row(*self.columns), "|" + "---|" * len(self.columns)]
        PAGE.write_text(before + "\n" + "\n".join((*head, *rows)) + "\n" + after, "utf-8")

    def _split(self):
        """Return the page before, between and after the table's two comments."""
        begin, end = f"<!-- {self.name} -->\n", f"<!-- end of {self.name} -->"
        text = PAGE.read_text("utf-8")
        assert begin in text, f"{PAGE.name} has no place for the table {self.name}"
        before, _, rest = text.partition(begin)
        inside, _, after = rest.partition(end)
        return before + begin, inside, end + after


def _row(*cells):
    return f"| {' | '.join(map(_cell, cells))} |"


def _cell(text):
    """Return a text as it is in a cell: in one line, and without an end of the cell."""
    return " ".join(str(text).split()).replace("|", r"\|")


def _first_cell(line):
    return line.removeprefix("| ").replace(r"\|", "\0").partition(" | ")[0].replace("\0", r"\|")
