"""The demonstration institution: made once, never overwritten, never beside the real IO."""

from __future__ import annotations

import secrets
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from ioportal import environment
from messaging.enums import EnvironmentKind, KeySlot, Kind, Precondition, Role
from messaging.models import (
    Administrator,
    AllowedRecipient,
    GatewayAccount,
    Institution,
    ManageKey,
    Membership,
    RemoteConfiguration,
    RemoteEnvironment,
    RemoteSecret,
    Service,
    ServiceKey,
    Template,
    User,
)

# The simulator's keys and its citizen Laura Bianchi: it shares no code with us, so they are written here too.
KEYS = {
    "tributi": ("demo-tributi-primary-0000000000001", "demo-tributi-secondary-000000000002"),
    "scuola": ("demo-scuola-primary-0000000000003", "demo-scuola-secondary-000000000004"),
    "anagrafe": ("demo-anagrafe-primary-0000000000005", "demo-anagrafe-secondary-000000000006"),
}
MANAGE_KEY = "demo-valdoria-manage-000000000000009"
TEST_CITIZEN = ("AAAAAA00A00A000A", "Cittadino di prova")

PEOPLE = {
    "clerk": ("Marta", "Ruggeri"),
    "supervisor": ("Giulia", "Ferri"),
    "admin": ("Sergio", "Lodi"),
}

AVVISO_TARI = """Ciao ((nome)),

è pronto il saldo della **TARI 2026**, la tassa sui rifiuti. Importo e scadenza sono nel riquadro del pagamento.

Puoi pagare qui sull’app, oppure con l’avviso di carta che arriva per posta: è lo stesso avviso, si paga una volta sola.

Se hai un dubbio sul calcolo, scrivi a tributi@comune.valdoria.example o chiama lo 0123 456789."""

ESITO = """Il documento che hai chiesto all’Anagrafe del Comune di Valdoria è pronto.

Aprilo qui sull’app: il testo e il documento restano negli archivi del Comune, e li vedi solo tu."""
ESITO_PROTETTO = """Ciao ((nome)),

è pronto il **certificato di ((certificato))** che hai chiesto. Vale sei mesi da oggi.

Se un dato non è giusto, scrivi a anagrafe@comune.valdoria.example: lo correggiamo qui, senza un nuovo messaggio."""


class Command(BaseCommand):
    help = "Make the demonstration institution, its people and services; safe to run again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--quiet", action="store_true", help="Print only the logins, and only when new.")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMONSTRATION:
            raise CommandError("The demonstration exists only while IO_API_URL names this machine.")
        with transaction.atomic():
            services = _make_services()
            password = _make_people(services)
            _make_templates(services)
            _make_remote_configuration(services["anagrafe"].institution)
        if password:
            self.stdout.write("The three people of the demonstration, all with the same password:")
            for name, role in (("clerk", "writes"), ("supervisor", "approves and resolves"), ("admin", "configures")):
                self.stdout.write(f"  {name:<12}{password:<20}{role}")
        elif not options["quiet"]:
            self.stdout.write("The demonstration is there already.")


def _make_services() -> dict[str, Service]:
    account, _ = GatewayAccount.objects.get_or_create(name="Comune di Valdoria")
    institution, _ = Institution.objects.get_or_create(
        fiscal_code="80012345678", defaults={"name": "Comune di Valdoria", "account": account}
    )
    described = {
        "tributi": {"name": "Tributi", "live": True, "max_amount": 1_000_000},
        "scuola": {"name": "Scuola", "live": False},
        "anagrafe": {"name": "Anagrafe", "live": True, "max_amount": 1_000_000, "premium": True},
    }
    services = {}
    for slug, columns in described.items():
        service, _ = Service.objects.get_or_create(slug=slug, defaults={"institution": institution, **columns})
        services[slug] = service
        for slot, secret in zip((KeySlot.PRIMARY, KeySlot.SECONDARY), KEYS[slug], strict=True):
            ServiceKey.objects.get_or_create(
                service=service, slot=slot, defaults={"secret": secret, "in_use": slot is KeySlot.PRIMARY}
            )
        code, label = TEST_CITIZEN
        AllowedRecipient.objects.get_or_create(service=service, fiscal_code=code, defaults={"label": label})
    return services


def _make_people(services: dict[str, Service]) -> str:
    """Make who is missing; returns the password if anybody was, else an empty text."""
    given = environment.read("DEMO_PASSWORD")
    password = given or secrets.token_urlsafe(9)
    made = False
    for username, (first, last) in PEOPLE.items():
        person, new = User.objects.get_or_create(
            username=username,
            defaults={"first_name": first, "last_name": last, "email": f"{username}@valdoria.example"},
        )
        if new:
            person.set_password(password)
            person.save()
            made = True
    roles = {"clerk": Role.CLERK, "supervisor": Role.SUPERVISOR}
    for username, role in roles.items():
        for service in services.values():
            Membership.objects.get_or_create(
                user=User.objects.get(username=username), service=service, defaults={"role": role}
            )
    institution = services["tributi"].institution
    Administrator.objects.get_or_create(user=User.objects.get(username="admin"), institution=institution)
    return password if made else ""


def _make_templates(services: dict[str, Service]) -> None:
    Template.objects.get_or_create(
        service=services["tributi"],
        slug="avviso-tari",
        defaults={
            "name": "Avviso TARI, saldo",
            "kind": Kind.PAYMENT,
            "subject": "Avviso TARI 2026: saldo da pagare",
            "body": AVVISO_TARI,
        },
    )
    remote = {
        "kind": Kind.INFORMATIONAL,
        "subject": "Il documento che hai chiesto è pronto",
        "body": ESITO,
        "has_remote_content": True,
        "protected_subject": "Certificato di ((certificato))",
        "protected_body": ESITO_PROTETTO,
        "precondition": Precondition.ONCE,
        "precondition_title": "Stai per aprire un tuo certificato",
        "precondition_body": "Contiene dati personali: aprilo quando nessun altro guarda il telefono.",
    }
    for slug, name, has_attachments in (
        ("certificato-pronto", "Certificato pronto", False),
        ("certificato-in-pdf", "Certificato in PDF", True),
    ):
        Template.objects.get_or_create(
            service=services["anagrafe"],
            slug=slug,
            defaults={"name": name, **remote, "has_attachments": has_attachments},
        )


def _make_remote_configuration(institution: Institution) -> None:
    """Not yet known to the simulator: `register_remote_content` tells it, once it runs."""
    ManageKey.objects.get_or_create(institution=institution, defaults={"secret": MANAGE_KEY})
    configuration, _ = RemoteConfiguration.objects.get_or_create(
        institution=institution,
        defaults={"name": "Comune di Valdoria", "description": "Testi e allegati del Comune di Valdoria"},
    )
    environment, _ = RemoteEnvironment.objects.get_or_create(
        configuration=configuration,
        kind=EnvironmentKind.PRODUCTION,
        defaults={"base_url": settings.HOSTING_URL, "header_name": "X-IO-Portal-Key"},
    )
    RemoteSecret.objects.get_or_create(
        environment=environment, in_use=True, defaults={"secret": secrets.token_urlsafe(32)}
    )
    if environment.base_url != settings.HOSTING_URL:
        # Started on another port than last time.
        RemoteEnvironment.objects.filter(pk=environment.pk).update(base_url=settings.HOSTING_URL)
        RemoteConfiguration.objects.filter(pk=configuration.pk).update(confirmed_at=None)
