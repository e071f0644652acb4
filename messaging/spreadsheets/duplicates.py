"""The same message twice in one file."""

from __future__ import annotations

from array import array

from messaging.spreadsheets.columns import NOTICE_NUMBER
from messaging.spreadsheets.rows import CellProblem, CheckedRow


class DuplicateFinder:
    """Sees the rows of a file one after another and remembers a hash of each: about 120 bytes a row.

    Two rows are held to be the same when their 64-bit hashes are: for 100,000 rows that errs once in some
    four thousand million files.
    """

    def __init__(self) -> None:
        self._seen: dict[int, int] = {}
        self._rows = array("L")
        self._people = array("q")

    def add(self, row: CheckedRow) -> None:
        """Add to a row what an earlier one makes of it; a row that is not good is left alone until it is corrected.

        The problem "duplicate" (`row`: the first one) when the same person has the same notice number, or without one
        the same values and so the same message; the warning "same_notice" (`row`) when another person has the notice
        number. `row` is the first one with the notice number, or the first one of that person.
        """
        if row.problems or row.fiscal_code is None:
            return
        person = hash(row.fiscal_code)
        content = row.notice_number or (row.fiscal_code, row.due_date, tuple(row.values.values()))
        key = hash(content)
        place = self._seen.get(key)
        if place is None:
            self._seen[key] = len(self._rows)
            self._rows.append(row.number)
            self._people.append(person)
            return
        shown = row.notice_number or ""
        if self._people[place] != person:
            # The first row is somebody else's: this person's own first one is kept beside it.
            own = self._seen.setdefault(hash((content, row.fiscal_code)), len(self._rows))
            if own == len(self._rows):
                self._rows.append(row.number)
                self._people.append(person)
                row.warnings.append(CellProblem(NOTICE_NUMBER, "same_notice", {"row": self._rows[place]}, shown))
                return
            place = own
        row.problems.append(CellProblem("", "duplicate", {"row": self._rows[place]}, shown))
