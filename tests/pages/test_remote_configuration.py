"""The administrators' page of remote content."""

from __future__ import annotations

from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse
from django.utils import timezone

from messaging.enums import EnvironmentKind, Status
from messaging.models import (
    Institution,
    ManageKey,
    Message,
    RemoteConfiguration,
    RemoteEnvironment,
    RemoteSecret,
    User,
)
from messaging.remote import contents
from messaging.remote.contents import Texts
from messaging.views.remote_configuration_words import _troubles
from tests import cast
from tests.pages.conftest import Office, queries_of
from tests.remote.registering import MANAGE_KEY
from tests.simulator_process import TRIBUTI, SimulatorProcess

CODE = "PRVTST40A01H501X"
TYPED = {
    "name": "Comune di Prova",
    "description": "Testi e allegati",
    "base_url": "https://io.comune.example.it/",
    "header_name": "X-IO-Portal-Key",
    "precondition": "NEVER",
}


@pytest.fixture
def code() -> str:
    return cast.make_fiscal_code()


def address(office: Office, name: str = "") -> str:
    return reverse(f"remote_configuration{name}", args=[office.service.institution_id])


def get(office: Office, person: User | None = None) -> str:
    response = office.as_(person or office.administrator).get(address(office))
    assert response.status_code == 200
    return unescape(response.content.decode())


def post(office: Office, name: str = "", /, **data: Any) -> str:
    """What the administrator reads after posting."""
    response = office.as_(office.administrator).post(address(office, name), data, follow=True)
    assert response.status_code == 200
    return unescape(response.content.decode())


def save(office: Office, **data: Any) -> str:
    return post(office, **TYPED | data)


def configured(office: Office, **data: Any) -> RemoteConfiguration:
    """Saved on the page, with the manage key."""
    save(office, **data)
    post(office, "_key", secret=MANAGE_KEY)
    return RemoteConfiguration.objects.get()


def registered(office: Office, **data: Any) -> RemoteConfiguration:
    configured(office, **data)
    assert "Fatto: IO conosce questi dati." in post(office, "_tell")
    return RemoteConfiguration.objects.get()


# Who


def test_only_administrators_of_the_institution_find_the_page(office: Office) -> None:
    elsewhere = cast.make_administrator(cast.make_institution())
    for person in (office.clerk, office.supervisor, office.stranger, elsewhere):
        for name in ("", "_tell", "_compare", "_rotate", "_key", "_keep"):
            assert office.as_(person).post(address(office, name), TYPED).status_code == 404
        assert office.as_(person).get(address(office)).status_code == 404
    for person in (office.clerk, office.supervisor, office.stranger):
        assert office.as_(person).get(reverse("remote_configurations")).status_code == 404
    assert not RemoteConfiguration.objects.exists()
    assert "Contenuto remoto" in get(office, cast.make_person("capo", is_superuser=True))


def test_the_list_of_services_leads_administrators_there(office: Office) -> None:
    link = f'href="{reverse("remote_configurations")}"'
    assert link in office.as_(office.administrator).get("/services/").content.decode()
    assert link not in office.as_(office.clerk).get("/services/").content.decode()
    response = office.as_(office.administrator).get(reverse("remote_configurations"))
    assert response["Location"] == address(office)


def test_who_administers_several_institutions_chooses_one(office: Office) -> None:
    configured(office)
    other = cast.make_institution(name="Unione dei comuni")
    superuser = cast.make_person("capo", is_superuser=True)
    page = unescape(office.as_(superuser).get(reverse("remote_configurations")).content.decode())
    assert address(office) in page
    assert reverse("remote_configuration", args=[other.pk]) in page
    assert "Da registrare" in page
    assert "Non impostato" in page


# What is typed


def test_the_page_proposes_what_it_can(office: Office, settings: Any) -> None:
    settings.HOSTING_URL = "https://contenuti.comune.example.it/"
    page = get(office)
    assert 'value="https://contenuti.comune.example.it"' in page
    assert 'value="X-IO-Portal-Key"' in page
    assert "Per cominciare" in page


def test_what_is_saved_is_whole_and_without_a_slash_at_its_end(office: Office, code: str) -> None:
    page = save(
        office,
        with_test="on",
        test_base_url="https://prova.example.it//",
        test_header_name="X-Prova",
        test_users=f" {code.lower()} \n\n{code}\nAAAAAA00A00A000A",
        is_lollipop_enabled="on",
        disable_lollipop_for=code,
    )
    assert "Salvato. Ora registralo su IO." in page
    configuration = RemoteConfiguration.objects.get()
    assert configuration.is_lollipop_enabled
    assert configuration.disable_lollipop_for == [code]
    production = RemoteEnvironment.objects.get(kind=EnvironmentKind.PRODUCTION)
    assert (production.base_url, production.header_name) == ("https://io.comune.example.it", "X-IO-Portal-Key")
    test = RemoteEnvironment.objects.get(kind=EnvironmentKind.TEST)
    assert test.base_url == "https://prova.example.it"
    assert test.test_users == [code, "AAAAAA00A00A000A"]
    assert f">\n{code}\nAAAAAA00A00A000A</textarea>" in get(office)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("http://io.comune.example.it", "Serve https"),
        ("io.comune.example.it", "Scrivi un indirizzo intero"),
        ("https://", "Scrivi un indirizzo intero"),
        ("ftp://io.comune.example.it", "Scrivi un indirizzo intero"),
        ("https://io.comune.example.it/?a=b", "Lascia solo l’indirizzo"),
        ("https://io.comune.example.it/#x", "Lascia solo l’indirizzo"),
        ("https://io:segreto@comune.example.it", "Lascia solo l’indirizzo"),
        ("https://[::1", "Scrivi un indirizzo intero"),
        ("", "Manca questo dato"),
        ("///", "Manca questo dato"),
    ],
)
def test_an_address_that_io_cannot_use_is_told(office: Office, typed: str, words: str) -> None:
    assert words in save(office, base_url=typed)
    assert not RemoteConfiguration.objects.exists()


@pytest.mark.parametrize("typed", ["http://127.0.0.1:8050", "http://localhost:8050/io", "http://[::1]:8050"])
def test_this_machine_itself_needs_no_https(office: Office, typed: str) -> None:
    save(office, base_url=typed)
    assert RemoteEnvironment.objects.get().base_url == typed


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("X_Key", "Senza trattino basso"),
        ("fiscal_code", "Senza trattino basso"),
        ("X Key", "Usa solo lettere"),
        ("X-Chiave:", "Usa solo lettere"),
        ("X-Città", "Usa solo lettere"),
        ("Host", "Questo nome serve già"),
        ("authorization", "Questo nome serve già"),
        ("X-PagoPA-Lollipop-User-Id", "Questo nome serve già"),
        ("Content-Length", "Questo nome serve già"),
        ("Signature-Input", "Questo nome serve già"),
        ("X-Forwarded-For", "Questo nome serve già"),
        ("", "Manca questo dato"),
    ],
)
def test_a_header_that_would_not_arrive_is_told(office: Office, typed: str, words: str) -> None:
    assert words in save(office, header_name=typed)


def test_a_wrong_fiscal_code_is_told_by_its_line_alone(office: Office, code: str) -> None:
    page = save(office, disable_lollipop_for=f"{code}\nRSSMRA85T10A562X\n\n12345678901")
    assert "Alle righe 2, 4 non c’è un codice fiscale di persona" in page
    assert not RemoteConfiguration.objects.exists()


def test_a_test_environment_is_whole_or_absent(office: Office) -> None:
    page = save(office, with_test="on", test_base_url="", test_header_name="", test_users="")
    assert page.count("Manca questo dato.") >= 2
    assert "Scrivi almeno una persona" in page
    save(office, test_base_url="https://prova.example.it", test_header_name="X-Prova", test_users="")
    assert not RemoteEnvironment.objects.filter(kind=EnvironmentKind.TEST).exists()


def test_after_registration_the_header_keeps_its_name(office: Office, simulator: SimulatorProcess) -> None:
    registered(office)
    assert "Dopo la registrazione non si cambia più" in get(office)
    save(office, header_name="X-Altra", description="Altra")
    assert RemoteEnvironment.objects.get().header_name == "X-IO-Portal-Key"
    assert RemoteConfiguration.objects.get().description == "Altra"


# The key and the secrets


def test_the_key_goes_in_and_never_comes_out(office: Office) -> None:
    save(office)
    assert "Manca la chiave dell’ente" in get(office)
    page = post(office, "_key", secret=MANAGE_KEY)
    assert MANAGE_KEY not in page
    assert "finisce con" in page
    assert ManageKey.objects.get().secret == MANAGE_KEY
    assert MANAGE_KEY not in " ".join(entry.change_message for entry in LogEntry.objects.all())


@pytest.mark.parametrize("typed", ["corta", f"{MANAGE_KEY} con spazi", "à" * 32, ""])
def test_what_is_no_key_is_refused_without_repeating_it(office: Office, typed: str) -> None:
    page = post(office, "_key", secret=typed)
    assert ("Non sembra una chiave" if typed else "Manca questo dato") in page
    assert not typed or f'value="{typed}' not in page
    assert not ManageKey.objects.exists()


def test_nobody_ever_sees_a_secret(office: Office, simulator: SimulatorProcess) -> None:
    registered(office)
    post(office, "_rotate")
    page = get(office) + post(office, "_compare")
    for secret in RemoteSecret.objects.all():
        assert secret.secret not in page
        assert secret.last_four not in page
    assert "nessuno lo legge o lo scrive, nemmeno tu" in page


def test_who_did_what_is_on_record(office: Office, simulator: SimulatorProcess) -> None:
    registered(office)
    post(office, "_rotate")
    told = [entry.change_message for entry in LogEntry.objects.filter(user=office.administrator).order_by("pk")]
    assert told == [
        "Contenuto remoto: dati salvati.",
        "Chiave dell’ente cambiata.",
        "Contenuto remoto: detto a IO.",
        "Contenuto remoto: segreto cambiato.",
        "Contenuto remoto: detto a IO.",
    ]


# What IO knows


def test_each_state_says_what_to_do_next(office: Office, simulator: SimulatorProcess) -> None:
    save(office)
    page = get(office)
    assert "Copiala dall’Area Riservata di IO" in page
    assert "Registra su IO</button>" not in page
    post(office, "_key", secret=MANAGE_KEY)
    assert "Registra su IO</button>" in get(office)
    post(office, "_tell")
    page = get(office)
    assert "Li ha confermati oggi" in page
    assert "Dillo a IO</button>" not in page
    RemoteConfiguration.objects.update(confirmed_at=None)
    page = get(office)
    assert "IO non sa ancora le ultime modifiche" in page
    assert "Dillo a IO</button>" in page


def test_a_change_of_what_io_knows_is_told_at_once(office: Office, simulator: SimulatorProcess) -> None:
    registered(office)
    assert "Fatto: IO conosce questi dati." in save(office, description="Altra")
    assert RemoteConfiguration.objects.get().confirmed_at is not None


def test_saving_without_a_change_asks_io_nothing(office: Office, simulator: SimulatorProcess) -> None:
    registered(office)
    before = simulator.calls("configurations")
    assert "Salvato." in save(office)
    assert simulator.calls("configurations") == before


def test_a_failed_rotation_offers_to_tell_io_again(office: Office, simulator: SimulatorProcess) -> None:
    registered(office)
    simulator.fault("error-500", operations=["configurations"])
    page = post(office, "_rotate")
    assert "IO non ha risposto" in page
    assert "Dillo a IO</button>" in page
    assert "Valgono quello nuovo e quello di prima" in page
    simulator.clear()
    page = post(office, "_tell")
    assert "Quello di prima vale ancora fino a" in page


def test_a_key_without_the_permission_says_whom_to_ask(office: Office, simulator: SimulatorProcess) -> None:
    save(office)
    post(office, "_key", secret=TRIBUTI)
    page = post(office, "_tell")
    assert "ApiRemoteContentConfigurationWrite" in page
    assert "lo dà PagoPA" in page
    assert "Risposta di IO: «" in page


def test_what_differs_on_io_is_shown_in_words(office: Office, simulator: SimulatorProcess) -> None:
    configuration = registered(office)
    RemoteEnvironment.objects.update(base_url="https://altrove.example.it")
    RemoteConfiguration.objects.update(precondition="ONCE", is_lollipop_enabled=True, disable_lollipop_for=[CODE])
    secret = RemoteSecret.objects.get()
    secret.secret = "un altro segreto"
    secret.save()
    page = post(office, "_compare")
    assert "IO ha altri dati" in page
    for words in ("solo la prima volta", "1 persona", "https://altrove.example.it", "Segreto: quello di IO"):
        assert words in page
    configuration.refresh_from_db()
    assert configuration.confirmed_at is None
    assert "Dillo a IO</button>" in page


def test_one_that_io_does_not_know_can_be_registered_again(office: Office, simulator: SimulatorProcess) -> None:
    configured(office)
    RemoteConfiguration.objects.update(configuration_id="01ARZ3NDEKTSV4RRFFQ69G5FAV")
    page = post(office, "_tell")
    assert "IO non conosce questa configurazione" in page
    assert 'name="again"' in page
    assert "Fatto" in post(office, "_tell", again="1")


def test_every_trouble_has_words(office: Office) -> None:
    told = _troubles()
    assert set(told) >= {"no_key", "held", "unreadable", "busy", "at_work", "key_rejected", "forbidden", "refused"}
    assert set(told) >= {"unknown", "not_sent", "no_answer", "maybe_created"}


def test_nothing_is_told_before_it_is_saved(office: Office) -> None:
    for name in ("_tell", "_compare", "_rotate"):
        assert office.as_(office.administrator).post(address(office, name)).status_code == 404


# How long


def old_message(office: Office, status: Status = Status.PROCESSED) -> Message:
    message = office.message(status, has_remote_content=True)
    Message.objects.filter(pk=message.pk).update(queued_at=timezone.now() - timedelta(days=100))
    contents.new(message, Texts(subject="Il tuo certificato", body="x" * 80), office.clerk.pk).save()
    return message


def kept_months(office: Office) -> int | None:
    return Institution.objects.get(pk=office.service.institution_id).remote_keep_months


def test_a_rule_that_takes_nothing_away_is_kept_at_once(office: Office) -> None:
    assert "si conservano per 12 mesi" in post(office, "_keep", months="12")
    assert kept_months(office) == 12
    assert "si conservano per sempre" in post(office, "_keep", months="")
    assert kept_months(office) is None


def test_a_rule_that_would_take_content_away_asks_first(office: Office) -> None:
    old_message(office)
    old_message(office)
    page = post(office, "_keep", months="2")
    assert "Cancellare testi e allegati di 2 messaggi?" in page
    assert "Cancella comunque" in page
    assert kept_months(office) is None
    post(office, "_keep", months="1", confirmed="2")
    assert kept_months(office) is None
    assert "si conservano per 2 mesi" in post(office, "_keep", months="2", confirmed="2")
    assert kept_months(office) == 2


@pytest.mark.parametrize("typed", ["0", "-1", "due", "601"])
def test_what_is_no_number_of_months_is_told(office: Office, typed: str) -> None:
    post(office, "_keep", months=typed)
    assert kept_months(office) is None


def test_the_page_costs_few_queries(office: Office) -> None:
    configured(office)
    assert queries_of(office, office.administrator, address(office)) <= 22
