"""Fill an empty database with an institution that has sent so many messages in the last year.

Three services, twenty clerks and one supervisor; a tenth of the messages are one spreadsheet's, half sent. What waits
for a person is as much whatever the size: it is the finished messages that grow. Counters agree with the rows.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from itertools import count as count_from
from itertools import islice
from typing import Any

from django.core.management.color import no_style
from django.db import connection, models, transaction
from django.utils import timezone

from messaging.delivery.tally import day_of
from messaging.enums import (
    BatchStatus,
    DeliverySpeed,
    FeatureLevel,
    Kind,
    Milestone,
    ReachabilityAnswer,
    Reason,
    Role,
    RowState,
    Status,
)
from messaging.models import (
    Administrator,
    Batch,
    BatchCount,
    BatchMilestone,
    BatchRow,
    DailyCount,
    DailyMilestone,
    DailySpeed,
    GatewayAccount,
    Institution,
    Membership,
    Message,
    Recipient,
    Service,
    ServiceKey,
    StatusChange,
    User,
)

YEAR = timedelta(days=365)
CLERKS, GROUP = 20, 10_000
#: So many of the newest single messages, whatever the size, stand where somebody or something is to act.
UNSETTLED = {
    Status.DRAFT: 40,
    Status.AWAITING_APPROVAL: 12,
    Status.UNCERTAIN: 6,
    Status.REFUSED: 30,
    Status.FAILED: 10,
    Status.QUEUED: 20,
    Status.ACCEPTED: 40,
}
#: How a hundred of the other messages ended, and a hundred of the spreadsheet's stand.
ENDED = [Status.UNREACHABLE] * 6 + [Status.REJECTED, Status.CANCELLED] + [Status.PROCESSED] * 92
OF_THE_BATCH = [Status.UNREACHABLE] * 4 + [Status.ACCEPTED] + [Status.QUEUED] * 45 + [Status.PROCESSED] * 50
WITH_ID = {Status.ACCEPTED, Status.PROCESSED, Status.REJECTED, Status.FAILED}
UNSENT = {Status.DRAFT, Status.AWAITING_APPROVAL}
BODY = "È pronto il saldo della **TARI 2026** per l’abitazione di via dei Tigli. Si paga con l’avviso di carta. " * 5


class Table:
    """Rows of one model, written many at a time: every column as the model's first row has it, but for those named."""

    def __init__(self, pattern: models.Model) -> None:
        meta = type(pattern)._meta
        self._fields = {field.attname: (place, field) for place, field in enumerate(meta.concrete_fields)}
        self._pattern = [self._ready(field, getattr(pattern, name)) for name, (_, field) in self._fields.items()]
        names = ", ".join(connection.ops.quote_name(field.column) for _, field in self._fields.values())
        marks = ", ".join(["%s"] * len(self._fields))
        self._insert = f"INSERT INTO {connection.ops.quote_name(meta.db_table)} ({names}) VALUES ({marks})"  # noqa: S608

    @staticmethod
    def _ready(field: Any, value: Any) -> Any:
        return field.get_db_prep_save(value, connection)

    def row(self, **columns: Any) -> list[Any]:
        """A row like the pattern, with these columns of its own."""
        values = self._pattern.copy()
        for name, value in columns.items():
            place, field = self._fields[name]
            values[place] = self._ready(field, value)
        return values

    def write(self, rows: Iterable[list[Any]]) -> None:
        """Insert all, in groups."""
        rest = iter(rows)
        while group := list(islice(rest, GROUP)):
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.executemany(self._insert, group)


def fill(count: int) -> None:
    """Make everything; ``count`` messages in all, of which a tenth belong to one spreadsheet."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA synchronous=OFF")
    _Filling(count).run()
    with connection.cursor() as cursor:
        # What PostgreSQL's autovacuum does soon after so many rows.
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")
    connection.close()


class _Filling:
    def __init__(self, count: int) -> None:
        self.count, self.now = count, timezone.now()
        self.of_batch, self.recipients = count // 10, max(count // 20, 100)
        self.days: Counter[tuple[int, Any, str]] = Counter()
        self.speeds: Counter[tuple[int, Any, int]] = Counter()
        self.milestones: Counter[tuple[int, Any, str]] = Counter()
        self.batch_milestones: Counter[str] = Counter()
        self.lowest: dict[Any, int] = {}
        self.states: Counter[str] = Counter()
        self.steps = count_from(1)
        self.unsettled = [status for status, number in UNSETTLED.items() for _ in range(number)]

    def run(self) -> None:
        """Everything in the order of its foreign keys."""
        self._people()
        pattern = Recipient(institution=self.institution)
        recipients = (
            Table(pattern).row(id=number, fiscal_code=fiscal_code(number), public_id=uuid.uuid4())
            for number in range(1, self.recipients + 1)
        )
        self._write(pattern, recipients)
        self._batch()
        self._messages()
        self._counters()
        self._sequences()

    def _people(self) -> None:
        account = GatewayAccount.objects.create(name="Comune di Valdoria")
        self.institution = Institution.objects.create(
            name="Comune di Valdoria", fiscal_code="80012345678", account=account
        )
        self.services = [
            Service.objects.create(institution=self.institution, name=name, slug=name.lower(), live=True)
            for name in ("Tributi", "Scuola", "Anagrafe")
        ]
        for service in self.services:
            ServiceKey.objects.create(service=service, slot="primary", secret=f"key-of-{service.slug}", in_use=True)
        self.clerks = [User.objects.create(username=f"clerk{number}", first_name="Marta") for number in range(CLERKS)]
        supervisor = User.objects.create(username="supervisor", first_name="Giulia")
        Administrator.objects.create(
            user=User.objects.create(username="administrator", is_staff=True), institution=self.institution
        )
        for person in [*self.clerks, supervisor]:
            role = Role.SUPERVISOR if person == supervisor else Role.CLERK
            for service in self.services:
                Membership.objects.create(user=person, service=service, role=role)

    def _batch(self) -> None:
        self.batch = Batch.objects.create(
            service=self.services[0],
            author=self.clerks[0],
            submitted_by=self.clerks[0],
            name="TARI 2026, saldo",
            subject="Saldo TARI 2026",
            body=BODY,
            header=["codice_fiscale", "nome"],
            columns={"fiscal_code": 0, "nome": 1},
            filename="tari.xlsx",
            status=BatchStatus.SENDING,
            rows_total=self.of_batch,
            rows_good=self.of_batch,
            rows_reachable=self.of_batch,
            declared_at=self.now,
            submitted_at=self.now,
            started_at=self.now,
            expanded_to=self.of_batch + 1,
            expanded_at=self.now,
        )
        pattern = BatchRow(batch=self.batch, state=RowState.GOOD, reachability=ReachabilityAnswer.REACHABLE)
        table = Table(pattern)
        rows = (
            table.row(
                id=number,
                number=number + 1,
                cells=[fiscal_code(self._recipient(number)), "Laura"],
                recipient_id=self._recipient(number),
                content_key=f"{number:032x}",
            )
            for number in range(1, self.of_batch + 1)
        )
        table.write(rows)

    def _write(self, pattern: models.Model, rows: Iterable[list[Any]]) -> None:
        Table(pattern).write(rows)

    def _recipient(self, number: int) -> int:
        return number % self.recipients + 1

    def _messages(self) -> None:
        pattern = Message(
            service=self.services[0], author=self.clerks[0], subject="Saldo TARI 2026", body=BODY, lane=2, polls=1
        )
        table = Table(pattern)
        changes = Table(StatusChange(from_status=Status.DRAFT, reason=Reason.QUEUED, at=self.now))
        numbers = iter(range(1, self.count + 1))
        while group := list(islice(numbers, GROUP)):
            described = [self._columns(number) for number in group]
            table.write(table.row(**columns) for columns in described)
            changes.write(row for columns in described for row in self._story(changes, columns))

    def _columns(self, number: int) -> dict[str, Any]:
        """The columns of one message; the counters learn of it."""
        place = number - (self.count - self.of_batch)
        created = self.now - YEAR * max(0, 1 - number / (self.count - self.of_batch))
        if place > 0:
            status, service, author = OF_THE_BATCH[number % 100], self.services[0], self.clerks[0]
        else:
            status = self.unsettled[-place] if -place < len(self.unsettled) else ENDED[number % 100]
            service, author = self.services[number % 3], self.clerks[number % CLERKS]
        columns = {
            "id": number,
            "public_id": uuid.UUID(int=uuid.uuid4().int),
            "service_id": service.pk,
            "author_id": author.pk,
            "recipient_id": self._recipient(number),
            "status": status,
            "created_at": created,
            "changed_at": created,
            "kind": Kind.INFORMATIONAL,
        }
        if place > 0:
            columns |= {"batch_id": self.batch.pk, "row": place + 1, "created_at": self.now, "changed_at": self.now}
            created = self.now
            self.states[status] += 1
        if status not in UNSENT:
            columns |= self._sent(number, status, service, created)
        return columns

    def _sent(self, number: int, status: Status, service: Service, moment: datetime) -> dict[str, Any]:
        day = day_of(moment)
        self._count(self.days, (service.pk, day, str(status)), number)
        columns: dict[str, Any] = {"queued_at": moment, "submitted_by_id": self.clerks[0].pk}
        if status in {Status.QUEUED, Status.ACCEPTED}:
            columns["next_attempt_at"] = self.now + timedelta(days=1)
        if status in WITH_ID:
            columns |= {"io_id": f"01K{number:023}", "accepted_at": moment, "attempt_number": 1}
        if status is Status.PROCESSED:
            columns["delivery_speed"] = (number // 100 + number) % 7 % len(DeliverySpeed)
            self._count(self.speeds, (service.pk, day, columns["delivery_speed"]), number)
            columns |= self._followed(number, service, day, moment)
        if status is Status.REFUSED:
            columns |= {"refusal_cause": "invalid_content", "refusal_owner": "clerk"}
        return columns

    def _followed(self, number: int, service: Service, day: date, moment: datetime) -> dict[str, Any]:
        """Half of the delivered messages can be known to be read, and one in four of those is; one in nine is paid."""
        if number // 100 % 2:
            return {}
        columns: dict[str, Any] = {"feature_level": FeatureLevel.ADVANCED, "read_status": "UNREAD"}
        reached = [Milestone.OBSERVED]
        if number // 200 % 4 == 0:
            columns |= {"read_status": "READ", "seen_at": moment}
            reached.append(Milestone.SEEN)
        if number // 200 % 9 == 0:
            columns |= {"amount": 100, "notice_number": f"3{number:017}", "payment_status": "PAID", "paid_at": moment}
            reached += [Milestone.PAYABLE, Milestone.PAID]
        for milestone in reached:
            self._count(self.milestones, (service.pk, day, str(milestone)), number)
            if number > self.count - self.of_batch:
                self.batch_milestones[milestone] += 1
        return columns

    def _story(self, table: Table, columns: dict[str, Any]) -> Iterator[list[Any]]:
        common = {"message_id": columns["id"], "at": columns["created_at"]}
        yield table.row(id=next(self.steps), **common, to_status=Status.QUEUED)
        if columns["status"] in WITH_ID:
            last = {"from_status": Status.QUEUED, "to_status": columns["status"], "reason": Reason.TAKEN}
            yield table.row(id=next(self.steps), **common, **last)

    def _count(self, counter: Counter[Any], key: Any, number: int) -> None:
        counter[key] += 1
        self.lowest.setdefault(key, number)

    def _counters(self) -> None:
        BatchCount.objects.bulk_create(
            BatchCount(batch=self.batch, status=status, count=number) for status, number in self.states.items()
        )
        DailyCount.objects.bulk_create(
            DailyCount(service_id=key[0], day=key[1], status=key[2], count=number, lowest_message=self.lowest[key])
            for key, number in self.days.items()
        )
        DailySpeed.objects.bulk_create(
            DailySpeed(service_id=key[0], day=key[1], speed=key[2], count=number, lowest_message=self.lowest[key])
            for key, number in self.speeds.items()
        )
        BatchMilestone.objects.bulk_create(
            BatchMilestone(batch=self.batch, milestone=milestone, count=number)
            for milestone, number in self.batch_milestones.items()
        )
        DailyMilestone.objects.bulk_create(
            DailyMilestone(
                service_id=key[0], day=key[1], milestone=key[2], count=number, lowest_message=self.lowest[key]
            )
            for key, number in self.milestones.items()
        )

    def _sequences(self) -> None:
        with connection.cursor() as cursor:
            for statement in connection.ops.sequence_reset_sql(
                no_style(), [Recipient, BatchRow, Message, StatusChange]
            ):
                cursor.execute(statement)


def fiscal_code(number: int) -> str:
    """A code of the form that the platform asks for; it belongs to nobody."""
    letters = "".join(chr(65 + number // 1_000 // 26**place % 26) for place in range(3))
    return f"PRV{letters}80A01H{number % 1_000:03}X"
