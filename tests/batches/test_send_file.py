"""manage.py send_file: the screen's own steps for scheduled jobs, told as one JSON object and an exit status."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from messaging.batches import sending, work
from messaging.delivery import batches, hours
from messaging.enums import ApprovalRule, BatchStatus, Kind, Role, Status
from messaging.models import Batch, BatchFilePart, Message, MessageAttachment, Service, User
from tests import cast
from tests.batches.folders import a_pdf, a_zip, make_template, register, sheet
from tests.portal_process import PortalProcess
from tests.simulator_process import NOT_ON_IO, TRIBUTI, SimulatorProcess
from tests.spreadsheets import files

WRONG = "RSSMRA80A01H501X"


@dataclass
class Office:
    """A service that IO knows, its template, and how a job sends files."""

    simulator: SimulatorProcess
    service: Service
    clerk: User
    codes: list[str]
    folder: Path
    capture: pytest.CaptureFixture[str]

    def file(self, *codes: str, name: str = "elenco.csv") -> Path:
        """A file with a person a row, each called after the row."""
        path = self.folder / name
        rows: list[Sequence[str]] = [("codice_fiscale", "nome")]
        rows += [(code, f"Persona {number}") for number, code in enumerate(codes)]
        if path.suffix == ".xlsx":
            path.write_bytes(files.xlsx(rows))
        else:
            path.write_text("\n".join(";".join(row) for row in rows), encoding="utf-8")
        return path

    def send(self, path: Path | str, *options: str, **changed: str) -> tuple[int, dict[str, Any], str]:
        """Exit status, what was printed, and what was said on standard error."""
        given = {"service": self.service.slug, "template": "avviso", "as": self.clerk.username, **changed}
        words = [f"--{name}={value}" for name, value in given.items() if value]
        self.capture.readouterr()
        status = 0
        try:
            call_command("send_file", str(path), *words, *options)
        except SystemExit as end:
            status = int(end.code or 0)
        printed, told = self.capture.readouterr()
        return status, json.loads(printed), told


@pytest.fixture
def office(db: None, simulator: SimulatorProcess, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Office:
    account = cast.make_account(calls=1500, seconds=5)
    service = cast.make_service(institution=cast.make_institution(account=account), key=TRIBUTI)
    cast.make_template(service, slug="avviso")
    return Office(simulator, service, cast.make_person(service=service), simulator.citizens(20), tmp_path, capsys)


@pytest.fixture
def at_work(office: Office, deliver: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whenever the job would sleep, a worker delivers."""
    clock = SimpleNamespace(monotonic=time.monotonic, sleep=lambda _: deliver(office.service.institution.account))
    monkeypatch.setattr(sending, "time", clock)


# 0: every row ended well


@pytest.mark.parametrize("name", ["elenco.csv", "elenco.xlsx"])
@pytest.mark.usefixtures("at_work")
def test_a_good_file_is_delivered_to_everybody_once(office: Office, name: str) -> None:
    status, printed, told = office.send(office.file(*office.codes[:3], name=name), "--wait")
    assert printed == {"rows": 3, "bad": 0, "warnings": 0, "queued": 3, "statuses": {"processed": 3}}
    assert (status, told) == (0, "")
    assert office.simulator.taken() == dict.fromkeys(office.codes[:3], 1)


def test_without_waiting_it_ends_when_the_messages_are_queued(office: Office) -> None:
    status, printed, _ = office.send(office.file(*office.codes[:3]), "--name=TARI, saldo")
    assert (status, printed) == (0, {"rows": 3, "bad": 0, "warnings": 0, "queued": 3})
    batch = Batch.objects.get()
    assert (batch.name, batch.status, batch.author) == ("TARI, saldo", BatchStatus.SENDING, office.clerk)
    assert batch.declared_at
    assert batch.expanded_at
    assert Message.objects.filter(batch=batch, status=Status.QUEUED).count() == 3


def test_a_worker_that_is_quicker_is_waited_for(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The step is held by a worker; the job looks again until it is done."""
    path, looked = office.file(*office.codes[:2]), []

    def let_the_worker_finish(_: float) -> None:
        looked.append(True)
        Batch.objects.update(worked_by="", worked_until=None)
        work.work_on(Batch.objects.get().pk, lambda: False)

    def held_once(batch_id: int, should_stop: Callable[[], bool]) -> None:
        if not looked:
            Batch.objects.filter(pk=batch_id).update(
                worked_by="another", worked_until=timezone.now() + timedelta(seconds=30)
            )
        real(batch_id, should_stop)

    real = work.work_on
    monkeypatch.setattr(sending, "work", SimpleNamespace(work_on=held_once))
    monkeypatch.setattr(sending, "time", SimpleNamespace(monotonic=time.monotonic, sleep=let_the_worker_finish))
    status, printed, _ = office.send(path)
    assert (status, printed["queued"]) == (0, 2)
    assert looked


@pytest.mark.usefixtures("at_work")
def test_the_good_rows_alone_are_sent_when_asked_for(office: Office) -> None:
    status, printed, told = office.send(office.file(office.codes[0], WRONG, office.codes[1]), "--good-rows", "--wait")
    assert (status, printed["rows"], printed["bad"], printed["queued"]) == (0, 3, 1, 2)
    assert printed["statuses"] == {"processed": 2}
    assert [problem["row"] for problem in printed["problems"]] == [3]
    assert "Una riga è rimasta fuori." in told
    batch = Batch.objects.get()
    assert (batch.rows_good, batch.rows_excluded) == (2, 1)


def test_a_doubtful_notice_number_is_a_warning_and_is_sent(office: Office) -> None:
    body = f"Ciao ((nome)), paga con l’avviso ((numero_avviso)). {cast.BODY}"
    cast.make_template(office.service, slug="pagamento", kind=Kind.PAYMENT, body=body)
    path = office.folder / "pagamenti.csv"
    path.write_text(
        f"codice_fiscale;nome;importo;numero_avviso\n{office.codes[0]};Laura;148,50;302000000004821700",
        encoding="utf-8",
    )
    status, printed, _ = office.send(path, template="pagamento")
    assert (status, printed) == (0, {"rows": 1, "bad": 0, "warnings": 1, "queued": 1})


# 2: refused, nothing queued


def test_a_file_with_a_wrong_row_is_refused_and_names_it_without_its_values(office: Office) -> None:
    status, printed, told = office.send(office.file(office.codes[0], WRONG), "--wait")
    assert (status, printed["rows"], printed["bad"], printed["queued"]) == (2, 2, 1, 0)
    (problem,) = printed["problems"]
    assert (problem["row"], problem["field"]) == (3, "fiscal_code")
    assert "tessera sanitaria" in problem["sentence"]
    assert WRONG not in json.dumps(printed) + told
    assert "Niente è partito: una riga non va." in told
    assert nothing_is_left_open()


def test_a_file_without_one_good_row_is_refused_even_when_good_rows_would_do(office: Office) -> None:
    status, printed, told = office.send(office.file(WRONG), "--good-rows")
    assert (status, printed["bad"], printed["queued"]) == (2, 1, 0)
    assert "nessuna riga a posto" in told
    assert nothing_is_left_open()


def test_cells_beyond_the_header_are_not_repeated(office: Office) -> None:
    path = office.file(office.codes[0])
    path.write_text(f"codice_fiscale;nome\n{office.codes[0]};Laura;Bianchi", encoding="utf-8")
    status, printed, told = office.send(path)
    assert (status, len(printed["problems"])) == (2, 1)
    assert "Bianchi" not in json.dumps(printed) + told


def test_no_more_than_twenty_wrong_rows_are_named(office: Office) -> None:
    _, printed, _ = office.send(office.file(*[WRONG] * 25))
    assert (printed["bad"], len(printed["problems"])) == (25, 20)


def test_a_missing_column_is_named(office: Office) -> None:
    path = office.folder / "elenco.csv"
    path.write_text(f"codice_fiscale\n{office.codes[0]}", encoding="utf-8")
    status, printed, told = office.send(path)
    assert status == 2
    assert [(problem["row"], problem["field"]) for problem in printed["problems"]] == [(None, "nome")]
    assert "Manca la colonna ((nome))" in told
    assert nothing_is_left_open()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "Il file è vuoto"),
        (b"codice_fiscale;nome\n", "nessuna riga"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "un’immagine"),
        (b"PK\x03\x04 half an upload", "rovinato"),
    ],
)
def test_a_file_that_is_no_list_is_refused_with_a_sentence(office: Office, content: bytes, said: str) -> None:
    path = office.folder / "elenco.csv"
    path.write_bytes(content)
    status, printed, told = office.send(path)
    assert (status, printed) == (2, {"rows": 0, "bad": 0, "warnings": 0, "queued": 0})
    assert said in told
    assert nothing_is_left_open()


def test_a_file_that_is_not_there_is_refused_with_a_sentence(office: Office) -> None:
    for path in (office.folder / "manca.csv", office.folder):
        status, printed, told = office.send(path)
        assert (status, printed["rows"]) == (2, 0)
        assert "non c’è" in told


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"service": "altrove"}, "Nessun servizio ha il nome breve «altrove»"),
        ({"template": "altro"}, "nessun modello ha il nome breve «altro»"),
        ({"as": "nessuno"}, "«nessuno» non è addetto né responsabile"),
        ({"as": "capo"}, "«capo» non è addetto né responsabile"),
        ({"as": "andata"}, "«andata» non è addetto né responsabile"),
        ({"again": " "}, "Dopo --again scrivi perché"),
    ],
)
def test_a_wrong_setting_is_refused_with_a_sentence(office: Office, changed: dict[str, str], said: str) -> None:
    cast.make_administrator(office.service.institution, "capo")
    cast.make_person("andata", service=office.service, is_active=False)
    status, printed, told = office.send(office.file(office.codes[0]), **changed)
    assert (status, printed) == (2, {"rows": 0, "bad": 0, "warnings": 0, "queued": 0})
    assert said in told
    assert not Batch.objects.exists()


def test_a_template_of_another_service_is_not_found(office: Office) -> None:
    cast.make_template(cast.make_service(), slug="loro")
    assert office.send(office.file(office.codes[0]), template="loro")[0] == 2


def test_the_demonstrations_clerk_sends_by_default_and_elsewhere_somebody_must_be_named(
    office: Office, settings: Any
) -> None:
    clerk = cast.make_person("clerk", service=office.service)
    settings.DEMONSTRATION = True
    assert office.send(office.file(office.codes[0]), **{"as": ""})[0] == 0
    assert Batch.objects.get().submitted_by == clerk
    settings.DEMONSTRATION = False
    status, _, told = office.send(office.file(office.codes[1]), **{"as": ""})
    assert status == 2
    assert "--as" in told


# 3: not everybody got it


@pytest.mark.usefixtures("at_work")
def test_whoever_cannot_be_reached_is_told_by_the_exit_status(office: Office) -> None:
    status, printed, _ = office.send(office.file(office.codes[0], NOT_ON_IO), "--wait")
    assert (status, printed["statuses"]) == (3, {"processed": 1, "unreachable": 1})


# 4: nobody knows


@pytest.mark.usefixtures("at_work")
def test_an_uncertain_outcome_wins_over_a_person_who_cannot_be_reached(office: Office) -> None:
    office.simulator.fault("accept-then-drop", count=1)
    status, printed, _ = office.send(office.file(office.codes[0], NOT_ON_IO), "--wait")
    assert (status, printed["statuses"]) == (4, {"uncertain": 1, "unreachable": 1})


def test_waiting_with_nobody_at_work_ends_at_its_time_limit(office: Office) -> None:
    status, printed, told = office.send(office.file(office.codes[0]), "--wait", "--timeout=0")
    assert (status, printed["statuses"]) == (4, {"queued": 1})
    assert "Il tempo è finito" in told


# 5: sent before


def test_the_same_file_is_not_sent_twice_unless_somebody_says_why(office: Office) -> None:
    path = office.file(*office.codes[:2])
    assert office.send(path)[0] == 0
    status, printed, told = office.send(path)
    assert (status, printed["queued"]) == (5, 0)
    assert "lo stesso file lo ha già inviato" in told
    assert Message.objects.count() == 2
    status, printed, _ = office.send(path, again="Il primo testo era sbagliato")
    assert (status, printed["queued"], printed["bad"]) == (0, 2, 0)
    assert set(Message.objects.filter(batch=Batch.objects.latest("pk")).values_list("repeat_reason", flat=True)) == {
        "Il primo testo era sbagliato"
    }


def test_the_same_rows_in_another_file_were_sent_before_too(office: Office) -> None:
    office.send(office.file(*office.codes[:2]))
    status, printed, told = office.send(office.file(*office.codes[:2], name="copia.xlsx"))
    assert (status, printed["rows"], printed["bad"]) == (5, 2, 2)
    assert "le stesse righe" in told
    assert Message.objects.count() == 2


def test_some_rows_sent_before_are_bad_rows_like_others(office: Office) -> None:
    office.send(office.file(office.codes[0]))
    longer = office.file(*office.codes[:2], name="due.csv")
    status, printed, _ = office.send(longer)
    assert (status, printed["bad"], printed["queued"]) == (2, 1, 0)
    assert "già partito" in printed["problems"][0]["sentence"]
    status, printed, _ = office.send(longer, "--good-rows")
    assert (status, printed["bad"], printed["queued"]) == (0, 1, 1)
    assert Message.objects.count() == 2


# 6: waits


def test_a_sending_that_needs_a_second_person_waits_for_one(office: Office) -> None:
    Service.objects.filter(pk=office.service.pk).update(approval=ApprovalRule.ALL)
    path = office.file(*office.codes[:2])
    status, printed, told = office.send(path, "--wait")
    assert (status, printed["queued"], printed["statuses"]) == (6, 0, {})
    assert "Aspetta il sì di un responsabile" in told
    batch = Batch.objects.get()
    assert batch.status == BatchStatus.AWAITING_APPROVAL
    assert office.send(path)[0] == 5
    supervisor = cast.make_person(service=office.service, role=Role.SUPERVISOR)
    assert batches.approve(batch, supervisor)


def test_outside_the_institutions_hours_it_is_queued_for_later(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    opening = timezone.now() + timedelta(hours=9)
    monkeypatch.setattr(hours, "next_sending", lambda *_: opening)
    status, printed, told = office.send(office.file(*office.codes[:2]))
    assert (status, printed["queued"]) == (6, 2)
    assert "Ora è fuori dall’orario degli invii" in told


# What never happens


def test_a_fault_of_ours_leaves_no_open_sending_behind(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(work.checking, "check", fail)
    with pytest.raises(RuntimeError):
        office.send(office.file(office.codes[0]))
    assert nothing_is_left_open()


@pytest.mark.parametrize(
    ("statuses", "ending"),
    [
        ({"processed": 2, "confirmed": 1}, 0),
        *(({"processed": 1, status: 1}, 3) for status in ("unreachable", "refused", "rejected", "failed", "cancelled")),
        *(({"processed": 1, status: 1}, 4) for status in ("uncertain", "no_outcome", "accepted", "queued")),
        ({"unreachable": 1, "no_outcome": 1}, 4),
    ],
)
def test_statuses_decide_the_exit_status(statuses: dict[str, int], ending: int) -> None:
    assert sending.ending_of(statuses) == ending


# A template with attachments


def with_attachments(office: Office) -> Path:
    """A zip with the files of the first three people; the template sends them."""
    office.service.premium = True
    office.service.save()
    register(office.service)
    make_template(office.service, slug="esito")
    path = office.folder / "allegati.zip"
    path.write_bytes(a_zip({f"esito-{number}.pdf": a_pdf(number) for number in (1, 2, 3)}))
    return path


def named_files(office: Office, *names: str) -> Path:
    path = office.folder / "esiti.csv"
    rows = [
        (code, f"Persona {number}", name) for number, (code, name) in enumerate(zip(office.codes, names, strict=False))
    ]
    path.write_bytes(sheet(*rows))
    return path


def test_files_go_with_the_rows_that_name_them(office: Office) -> None:
    zipped = with_attachments(office)
    path = named_files(office, "esito-1.pdf", "esito-2.pdf; esito-3")
    status, printed, told = office.send(path, f"--attachments={zipped}", template="esito")
    assert (status, printed, told) == (0, {"rows": 2, "bad": 0, "warnings": 0, "queued": 2}, "")
    attached = MessageAttachment.objects.order_by("message__row", "position").values_list("message__row", "name")
    assert list(attached) == [(2, "esito-1.pdf"), (3, "esito-2.pdf"), (3, "esito-3.pdf")]


def test_a_file_that_is_missing_makes_its_row_a_bad_one(office: Office) -> None:
    zipped = with_attachments(office)
    path = named_files(office, "esito-1.pdf", "esito-9.pdf")
    status, printed, told = office.send(path, f"--attachments={zipped}", template="esito")
    assert (status, printed["bad"], printed["queued"]) == (2, 1, 0)
    assert [(problem["row"], problem["field"]) for problem in printed["problems"]] == [(3, "attachment_name")]
    assert "una riga non va" in told
    assert nothing_is_left_open()
    status, printed, _ = office.send(path, f"--attachments={zipped}", "--good-rows", template="esito")
    assert (status, printed["bad"], printed["queued"]) == (0, 1, 1)


@pytest.mark.parametrize(
    ("template", "folder", "words"),
    [
        ("esito", None, "Indica lo zip con i PDF, con --attachments"),
        ("avviso", "allegati.zip", "Togli --attachments"),
        ("esito", "elenco.csv", "Non è una cartella compressa"),
        ("esito", "nessuno.zip", "non c’è"),
    ],
)
def test_a_folder_that_does_not_fit_is_refused(office: Office, template: str, folder: str | None, words: str) -> None:
    with_attachments(office)
    path = office.file(office.codes[0])
    options = [f"--attachments={office.folder / folder}"] if folder else []
    status, printed, told = office.send(path, *options, template=template)
    assert (status, printed["queued"]) == (2, 0)
    assert words in told
    assert nothing_is_left_open()


def test_a_service_without_premium_sends_no_files(office: Office) -> None:
    zipped = with_attachments(office)
    office.service.premium = False
    office.service.save()
    status, _, told = office.send(named_files(office, "esito-1.pdf"), f"--attachments={zipped}", template="esito")
    assert (status, "non ha l’accordo Premium" in told) == (2, True)


def test_as_a_process_beside_running_workers(portal: PortalProcess, tmp_path: Path) -> None:
    path = tmp_path / "tari.csv"
    lines = [
        f"{code};Persona {number};1,50;{30200000000048 * 100 + number:016}{(30200000000048 * 100 + number) % 93:02}"
        for number, code in enumerate(portal.simulator.citizens(5))
    ]
    path.write_text("codice_fiscale;nome;importo;numero_avviso\n" + "\n".join(lines), encoding="utf-8")
    where = ("--service=tributi", "--template=avviso-tari")
    done = portal.manage("send_file", str(path), *where, "--wait", "--timeout=60")
    assert done.returncode in {0, 2}, done.stderr
    printed = json.loads(done.stdout)
    assert (done.returncode, printed["statuses"]) == (0, {"processed": 5}), done.stdout
    again = portal.manage("send_file", str(path), *where)
    assert (again.returncode, json.loads(again.stdout)["queued"]) == (5, 0)


def nothing_is_left_open() -> bool:
    """No sending waits, no file is kept, nothing is queued."""
    statuses = set(Batch.objects.values_list("status", flat=True))
    return statuses <= {BatchStatus.CANCELLED} and not BatchFilePart.objects.exists() and not Message.objects.exists()
