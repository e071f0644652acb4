"""A row of a file as one message to one person, and everything that is wrong with it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import date
from typing import TypeAlias

from messaging.appio import payloads, remote
from messaging.appio.buttons import ButtonError
from messaging.appio.payloads import Outgoing
from messaging.appio.remote import Fetched, ThirdParty
from messaging.spreadsheets.attached import Files, KnownFile, names_in
from messaging.spreadsheets.cells import (
    Cell,
    CellError,
    day_in_words,
    euros_in_words,
    for_reading,
    grouped_digits,
    shown,
)
from messaging.spreadsheets.columns import AMOUNT, ATTACHMENT, DUE_DATE, FISCAL_CODE, NOTICE_NUMBER, Matching, Wanted
from messaging.spreadsheets.escaping import one_line
from messaging.spreadsheets.texts import MessageText
from messaging.spreadsheets.values import (
    CellFault,
    notice_number_doubt,
    read_amount,
    read_day,
    read_fiscal_code,
    read_notice_number,
)

_FIELDS = (FISCAL_CODE, AMOUNT, NOTICE_NUMBER, DUE_DATE)
_SHOWN = 200
_Params: TypeAlias = Mapping[str, object]


@dataclasses.dataclass(frozen=True, slots=True)
class CellProblem:
    """Something wrong in a row: a code, its parameters, and the start of what the cell shows.

    `field` is a field of `columns`, a placeholder's key, "subject" or "markdown" (the message with this row's values),
    "buttons", or "" (the row). Codes are those of the reader of the field in `values`, of `payloads.check` and
    `remote.check`, and besides: missing (a placeholder's cell is empty), cell_error, too_many_cells (`extra`: more
    than the header has, as when a separator stands within a value); of a button those of `ButtonError`; of the
    attachment empty, not_there (`name`), bad_file (`name`, `problem`: a file's own code and parameters). As warnings:
    check_digits and rounded of notice_number, past of due_date.
    """

    field: str
    code: str
    params: _Params = dataclasses.field(default_factory=dict)
    value_shown: str = ""


@dataclasses.dataclass(slots=True)
class CheckedRow:
    """A row read and judged. `amount` is in eurocents; `values` are those of the placeholders, by key, for reading.

    A field is None when its cell is empty or wrong; `files` are those that go with the message, in the cell's order.
    Warnings are to be confirmed and prevent nothing.
    """

    number: int
    fiscal_code: str | None = None
    amount: int | None = None
    notice_number: str | None = None
    due_date: date | None = None
    files: Sequence[KnownFile] = ()
    values: dict[str, str] = dataclasses.field(default_factory=dict)
    problems: list[CellProblem] = dataclasses.field(default_factory=list)
    warnings: list[CellProblem] = dataclasses.field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """Whether a message can be made of it."""
        return not self.problems


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a template and its service ask of every row.

    `is_payment`: amount and notice number go into the message. `needs_due_date`: the template is of due-date kind.
    `max_amount` in eurocents, 0 when the service may not send payments; `allowed`: codes of its allow-list; `today` in
    Italy. `third_party`: what IO fetches of every message, its id left open.
    """

    is_payment: bool
    needs_due_date: bool
    max_amount: int
    today: date
    allowed: frozenset[str] = frozenset()
    third_party: ThirdParty | None = None

    def wanted(self, text: MessageText) -> list[Wanted]:
        """Return the columns that a file needs, the fiscal code first."""
        used = {placeholder.key: placeholder for placeholder in text.placeholders}
        fields = [Wanted(FISCAL_CODE)]
        for name in (AMOUNT, NOTICE_NUMBER):
            if self.is_payment or name in used:
                fields.append(Wanted(name))
        is_asked = self.needs_due_date or (DUE_DATE in used and used[DUE_DATE].required)
        if self.is_payment or is_asked or DUE_DATE in used:
            fields.append(Wanted(DUE_DATE, required=is_asked))
        if self.third_party is not None and self.third_party.has_attachments:
            fields.append(Wanted(ATTACHMENT))
        return fields + [Wanted(key) for key in used if key not in _FIELDS]

    def needed(self, text: MessageText) -> frozenset[str]:
        """Return the fields whose cell may not be empty."""
        needed = {found.key for found in text.placeholders if found.required and found.key in _FIELDS}
        needed.add(FISCAL_CODE)
        if self.is_payment:
            needed |= {AMOUNT, NOTICE_NUMBER}
        if self.needs_due_date:
            needed.add(DUE_DATE)
        return frozenset(needed)


class CheckPlan:
    """How to check the rows of one file: its columns, the template's text, the rules, and the files beside it.

    Without `files` nothing is said of the attachments that rows name. Raises ValueError when a column that is needed
    was not found: without it every row would seem good.
    """

    def __init__(self, matching: Matching, text: MessageText, rules: Rules, files: Files | None = None) -> None:
        lacking = [want.field for want in rules.wanted(text) if want.required and want.field not in matching.columns]
        if lacking:
            raise ValueError(f"no column for {', '.join(lacking)}")
        self.text = text
        self.rules = rules
        self.width = len(matching.labels)
        columns = matching.columns
        self.fields = [(name, columns[name], _READERS[name]) for name in _FIELDS if name in columns]
        self.shows = frozenset(found.key for found in text.placeholders)
        self.required = rules.needed(text)
        self.placeholders = [
            (found.key, columns[found.key], found.required)
            for found in text.placeholders
            if found.key not in _FIELDS and found.key in columns
        ]
        self.files = files
        self.attachment = columns[ATTACHMENT] if files is not None and ATTACHMENT in columns else None


def check_row(number: int, cells: Sequence[Cell], plan: CheckPlan) -> CheckedRow:
    """Return a row of a file, read and judged; `number` is the spreadsheet's own. Never raises, whatever the cells.

    What only the whole file can tell (duplicates) is for `DuplicateFinder`.
    """
    row = CheckedRow(number)
    if len(cells) > plan.width:
        extra = [shown(cell)[:_SHOWN] for cell in cells[plan.width :] if cell is not None]
        row.problems.append(CellProblem("", "too_many_cells", {"extra": extra}))
    _read_fields(row, cells, plan)
    _read_placeholders(row, cells, plan)
    if plan.attachment is not None and plan.files is not None:
        _read_attachments(row, cells[plan.attachment], plan.files)
    if not row.problems:
        _judge_message(row, plan)
    return row


def _read_fields(row: CheckedRow, cells: Sequence[Cell], plan: CheckPlan) -> None:
    for name, place, read in plan.fields:
        cell = cells[place]
        try:
            read(row, cell, plan)
        except CellFault as fault:
            if fault.code == "empty" and name not in plan.required:
                row.values[name] = ""
            else:
                row.problems.append(CellProblem(name, fault.code, fault.params, shown(cell)[:_SHOWN]))


def _fiscal_code(row: CheckedRow, cell: Cell, plan: CheckPlan) -> None:
    row.fiscal_code = read_fiscal_code(cell, plan.rules.allowed)
    if FISCAL_CODE in plan.shows:
        row.values[FISCAL_CODE] = row.fiscal_code


def _amount(row: CheckedRow, cell: Cell, plan: CheckPlan) -> None:
    cents = read_amount(cell)
    if AMOUNT in plan.shows:
        row.values[AMOUNT] = euros_in_words(cents)
    if plan.rules.is_payment:
        row.amount = cents


def _notice_number(row: CheckedRow, cell: Cell, plan: CheckPlan) -> None:
    number = read_notice_number(cell)
    if NOTICE_NUMBER in plan.shows:
        row.values[NOTICE_NUMBER] = grouped_digits(number)
    if plan.rules.is_payment:
        row.notice_number = number
    if doubt := notice_number_doubt(number):
        row.warnings.append(CellProblem(NOTICE_NUMBER, doubt, {}, number))


def _due_date(row: CheckedRow, cell: Cell, plan: CheckPlan) -> None:
    day = read_day(cell)
    if DUE_DATE in plan.shows:
        row.values[DUE_DATE] = day_in_words(day)
    row.due_date = day
    if day < plan.rules.today:
        row.warnings.append(CellProblem(DUE_DATE, "past", {"today": plan.rules.today}, shown(cell)[:_SHOWN]))


_READERS = {FISCAL_CODE: _fiscal_code, AMOUNT: _amount, NOTICE_NUMBER: _notice_number, DUE_DATE: _due_date}


def _read_placeholders(row: CheckedRow, cells: Sequence[Cell], plan: CheckPlan) -> None:
    for key, place, required in plan.placeholders:
        cell = cells[place]
        if isinstance(cell, str):
            value = one_line(cell)
        elif isinstance(cell, CellError):
            row.problems.append(CellProblem(key, "cell_error", {"error": cell.text}, cell.text[:_SHOWN]))
            continue
        else:
            value = one_line(for_reading(cell))
        row.values[key] = value
        if required and not value:
            row.problems.append(CellProblem(key, "missing"))
    if plan.text.has_passages:
        row.problems += [CellProblem(key, "missing") for key in plan.text.missing(row.values)]


def _read_attachments(row: CheckedRow, cell: Cell, files: Files) -> None:
    """Rows with the same values and other files are not the same message: the files count as a value."""
    if isinstance(cell, CellError):
        row.problems.append(CellProblem(ATTACHMENT, "cell_error", {"error": cell.text}, cell.text[:_SHOWN]))
        return
    names = names_in(cell)
    if not names:
        row.problems.append(CellProblem(ATTACHMENT, "empty"))
    found: dict[str, KnownFile] = {}
    for name in names:
        file = files.find(name)
        if file is None:
            row.problems.append(CellProblem(ATTACHMENT, "not_there", {"name": name[:_SHOWN]}, shown(cell)[:_SHOWN]))
        elif file.fault:
            params = {"name": name[:_SHOWN], "problem": file.fault}
            row.problems.append(CellProblem(ATTACHMENT, "bad_file", params, shown(cell)[:_SHOWN]))
        else:
            found[file.key] = file
    row.files = tuple(found.values())
    row.values[ATTACHMENT] = ";".join(found)


def _judge_message(row: CheckedRow, plan: CheckPlan) -> None:
    """Check the message as the platform would; it is put together only where there is reason to."""
    try:
        if (row.amount or 0) <= plan.rules.max_amount and plan.text.fits(row.values):
            return
        message = outgoing(row, plan)
    except ButtonError as error:
        row.problems.append(CellProblem("buttons", error.code))
        return
    found = payloads.check(message, max_amount=plan.rules.max_amount, allowed=plan.rules.allowed)
    if plan.rules.third_party is not None:
        found += remote.check(plan.rules.third_party, _fetched(row, plan), advanced=True)
    for problem in found:
        if not problem.warning:
            row.problems.append(CellProblem(problem.field, problem.code, problem.params))


def _fetched(row: CheckedRow, plan: CheckPlan) -> Fetched:
    protected = plan.text.merge(row.values).protected
    # Whether there are files was said beside the cell that names them.
    files = max(1, len(row.files))
    if protected is None:
        return Fetched(files=files)
    return Fetched(
        subject=protected.subject,
        markdown=protected.markdown,
        precondition_title=protected.precondition_title,
        precondition_markdown=protected.precondition_body,
        files=files,
    )


def outgoing(row: CheckedRow, plan: CheckPlan) -> Outgoing:
    """Return the message of a row without problems, as it is to be sent but for the service's options.

    Raises `ButtonError` when a value makes of a button what the app would not open, which `check_row` reports.
    """
    merged = plan.text.merge(row.values)
    return Outgoing(
        fiscal_code=row.fiscal_code or "",
        subject=merged.subject,
        markdown=merged.markdown,
        amount=row.amount,
        notice_number=row.notice_number,
        due_date=row.due_date,
    )
