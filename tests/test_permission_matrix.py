"""Every address of the portal, tried as each role: of this service, of another, and as nobody.

The list of addresses comes from the URL configuration. An address that no table below knows fails the test, so that
none is added without saying who may open it.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from messaging.enums import BatchStatus, Role, Status
from messaging.models import Attachment, Batch, Message, MessageAttachment, ServicePause
from messaging.remote import contents
from tests import cast

# Whoever asks.
ANYBODY = {
    "healthz",
    "readyz",
    "help",
    "status_help",
    "spreadsheet_help",
    "remote_content_help",
    "accessibility",
    "privacy",
    "set_language",
}
# Every person who has signed in; what it shows is their own.
SIGNED_IN = {
    "desk",
    "desk_running",
    "batch_list",
    "batch_new",
    "message_list",
    "message_new",
    "template_list",
    "template_new",
    "service_list",
    "waiting_list",
    "overview",
    "overview_waiting",
    "overview_table",
}
# Of these, the ones that only supervisors have: others find nothing.
SUPERVISOR = {"waiting_list", "overview", "overview_waiting", "overview_table"}
SIGNED_IN_POST = {"message_search", "template_preview"}
# A message of the person's services: both roles in it see it, an administrator without a role does not.
MESSAGE = {"message_detail", "message_live", "message_edit", "message_check"}
MESSAGE |= {"message_remote_correct", "attachment_open"}
MESSAGE_POST = {
    "message_preview",
    "message_reachability",
    "message_send",
    "message_send_to_me",
    "message_delete",
    "message_withdraw",
    "message_cancel",
    "message_retry",
    "message_reopen",
    "message_remote_preview",
}
# Only supervisors of the service may: the clerk is refused, a stranger finds nothing.
SUPERVISOR_POST = {"message_approve", "message_send_back", "message_resolve"}
# A sending of the person's services, likewise; what is asked before it is done is page and action in one.
SENDING = {"batch_detail", "batch_live", "batch_report", "batch_cancel", "batch_errata"}
SENDING_POST = {"batch_search", "batch_pause", "batch_resume", "batch_withdraw"}
SENDING |= {"batch_check", "batch_check_live", "batch_columns", "batch_preview", "batch_rows_download"}
SENDING |= {"batch_files_download"}
SENDING_POST |= {"batch_folder"}
SENDING_POST |= {
    "batch_ask",
    "batch_correct",
    "batch_exclude",
    "batch_include",
    "batch_split",
    "batch_recheck",
    "batch_send",
    "batch_discard",
}
SENDING_SUPERVISOR_POST = {"batch_approve", "batch_send_back"}
TEMPLATE = {"template_edit", "batch_example"}
TEMPLATE_POST = {"template_delete"}
# A service in which the person works or which they administer.
SERVICE = {"service_detail"}
SERVICE_POST = {"service_resume"}
ADMINISTRATOR_POST = {"sending_release"}
# Of an institution: only who administers it; those who work in its services find nothing.
INSTITUTIONS = {"remote_configurations"}
INSTITUTION = {"remote_configuration"}
INSTITUTION_POST = {
    "remote_configuration_tell",
    "remote_configuration_compare",
    "remote_configuration_rotate",
    "remote_configuration_key",
    "remote_configuration_keep",
}

KNOWN = (
    ANYBODY | SIGNED_IN | SIGNED_IN_POST | MESSAGE | MESSAGE_POST | SUPERVISOR_POST | TEMPLATE | TEMPLATE_POST | SERVICE
    | SERVICE_POST | ADMINISTRATOR_POST | SENDING | SENDING_POST | SENDING_SUPERVISOR_POST
    | INSTITUTIONS | INSTITUTION | INSTITUTION_POST
)  # fmt: skip


def named_addresses() -> Iterator[tuple[str, list[str]]]:
    """Every named pattern outside the admin and allauth (which have tests of their own), with its arguments' names."""

    def walk(patterns: list[URLPattern | URLResolver]) -> Iterator[tuple[str, list[str]]]:
        for pattern in patterns:
            if isinstance(pattern, URLResolver):
                if str(pattern.pattern) not in {"admin/", "account/"}:
                    yield from walk(pattern.url_patterns)
            else:
                yield pattern.name or "", list(pattern.pattern.converters)

    yield from walk(get_resolver().url_patterns)


def a_file(message: Message) -> MessageAttachment:
    """A file of a draft; this test opens it, and does not read it."""
    person = message.author
    kept = Attachment(service=message.service, name="a.pdf", size=4, pages=1, digest="a", uploaded_by=person)
    kept.file.save("a.pdf", ContentFile(b"%PDF"))
    return contents.attach(message, kept, "a.pdf", person)


class Scene:
    """One institution with two services, its people, and one thing of each kind in the first service."""

    def __init__(self) -> None:
        institution = cast.make_institution()
        self.service = cast.make_service(institution=institution, slug="questo")
        other = cast.make_service(institution=institution, slug="altro")
        elsewhere = cast.make_institution()
        self.people = {
            "clerk": cast.make_person("clerk", service=self.service),
            "supervisor": cast.make_person("supervisor", service=self.service, role=Role.SUPERVISOR),
            "administrator": cast.make_administrator(institution, "administrator"),
            "clerk of another service": cast.make_person("other-clerk", service=other),
            "supervisor of another service": cast.make_person("other-chief", service=other, role=Role.SUPERVISOR),
            "administrator of another institution": cast.make_administrator(elsewhere, "other-administrator"),
            "person without any role": cast.make_person("newcomer"),
        }
        self.message = cast.make_message(service=self.service, status=Status.DRAFT, author=self.people["clerk"])
        self.attached = a_file(self.message)
        self.template = cast.make_template(self.service)
        self.batch = cast.make_batch(
            service=self.service, people=1, status=BatchStatus.SENDING, author=self.people["clerk"]
        )
        self.pause = ServicePause.objects.create(service=self.service, reason="person")

    def address(self, name: str, arguments: list[str]) -> str:
        values = {
            "public_id": self.batch.public_id if name.startswith("batch_") else self.message.public_id,
            "slug": self.service.slug,
            "which": "wrong",
            "attachment": self.attached.attachment_id,
            "pk": self.pause.pk if name == "service_resume" else self.template.pk,
        }
        if name in INSTITUTION | INSTITUTION_POST:
            values["pk"] = self.service.institution_id
        return reverse(name, kwargs={argument: values[argument] for argument in arguments})

    def client(self, who: str) -> Client:
        client = Client()
        client.force_login(self.people[who])
        return client


@pytest.fixture
def scene(db: None) -> Scene:
    return Scene()


ADDRESSES = list(named_addresses())
STRANGERS = [
    "clerk of another service",
    "supervisor of another service",
    "administrator of another institution",
    "person without any role",
]


def test_every_address_is_in_a_table() -> None:
    assert {name for name, _ in ADDRESSES} <= KNOWN


def test_no_table_names_an_address_that_is_gone() -> None:
    assert {name for name, _ in ADDRESSES} >= KNOWN


@pytest.mark.parametrize(("name", "arguments"), ADDRESSES)
@pytest.mark.parametrize("method", ["get", "post"])
def test_nobody_is_asked_to_sign_in(scene: Scene, name: str, arguments: list[str], method: str) -> None:
    response = getattr(Client(), method)(scene.address(name, arguments))
    if name in ANYBODY:
        assert response.status_code in {200, 302, 405, 503}
        assert "/account/login" not in response.headers.get("Location", "")
    elif response.status_code != 405:
        assert response.status_code == 302, name
        assert response["Location"].startswith("/account/login/")


@pytest.mark.parametrize(("name", "arguments"), [row for row in ADDRESSES if row[1] and row[0] not in ANYBODY])
@pytest.mark.parametrize("who", STRANGERS)
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_stranger_finds_nothing(scene: Scene, name: str, arguments: list[str], who: str, method: str) -> None:
    before = [list(Message.objects.values()), list(Batch.objects.values())]
    response = getattr(scene.client(who), method)(scene.address(name, arguments))
    assert response.status_code in {404, 405}, f"{who} got {response.status_code} at {name}"
    assert [list(Message.objects.values()), list(Batch.objects.values())] == before
    assert ServicePause.objects.get(pk=scene.pause.pk).lifted_at is None


READING = (
    MESSAGE | MESSAGE_POST | SUPERVISOR_POST | SENDING | SENDING_POST | SENDING_SUPERVISOR_POST
)  # fmt: skip


@pytest.mark.parametrize(("name", "arguments"), [row for row in ADDRESSES if row[0] in READING])
@pytest.mark.parametrize("method", ["get", "post"])
def test_an_administrator_reads_no_message(scene: Scene, name: str, arguments: list[str], method: str) -> None:
    response = getattr(scene.client("administrator"), method)(scene.address(name, arguments))
    assert response.status_code in {404, 405}, f"{response.status_code} at {name}"


@pytest.mark.parametrize(
    ("name", "arguments"), [row for row in ADDRESSES if row[0] in SIGNED_IN | MESSAGE | SENDING | TEMPLATE | SERVICE]
)
@pytest.mark.parametrize("who", ["clerk", "supervisor"])
def test_a_person_of_the_service_opens_its_pages(scene: Scene, name: str, arguments: list[str], who: str) -> None:
    response = scene.client(who).get(scene.address(name, arguments))
    b"".join(response)
    allowed = {200, 204, 302} if name in MESSAGE | SENDING else {200}
    if name in SUPERVISOR and who == "clerk":
        allowed = {200, 302, 404}
    assert response.status_code in allowed, f"{who} got {response.status_code} at {name}"


@pytest.mark.parametrize(("name", "arguments"), [row for row in ADDRESSES if row[0] in SIGNED_IN])
def test_signed_in_pages_show_a_stranger_nothing_of_the_service(scene: Scene, name: str, arguments: list[str]) -> None:
    Message.objects.filter(pk=scene.message.pk).update(subject="Segreto del servizio accanto")
    response = scene.client("clerk of another service").get(scene.address(name, arguments))
    assert b"Segreto del servizio accanto" not in response.content


@pytest.mark.parametrize("name", sorted(SUPERVISOR_POST))
def test_a_clerk_neither_approves_nor_resolves(scene: Scene, name: str) -> None:
    for status in (Status.AWAITING_APPROVAL, Status.UNCERTAIN):
        columns = {"attempt_number": 1, "submitted_by": scene.people["supervisor"]}
        Message.objects.filter(pk=scene.message.pk).update(status=status, **columns)
        data = {"decision": "give_up", "choice": "give_up", "note": "prova", "reason": "prova"}
        response = scene.client("clerk").post(reverse(name, args=[scene.message.public_id]), data)
        assert response.status_code in {403, 404}
        assert Message.objects.get(pk=scene.message.pk).status == status


@pytest.mark.parametrize("name", sorted(SENDING_SUPERVISOR_POST))
def test_a_clerk_approves_no_sending(scene: Scene, name: str) -> None:
    columns = {"status": BatchStatus.AWAITING_APPROVAL, "submitted_by": scene.people["supervisor"]}
    Batch.objects.filter(pk=scene.batch.pk).update(**columns)
    response = scene.client("clerk").post(reverse(name, args=[scene.batch.public_id]), {"note": "prova", "seen": ""})
    assert response.status_code == 403
    assert Batch.objects.get(pk=scene.batch.pk).status == BatchStatus.AWAITING_APPROVAL


@pytest.mark.parametrize("who", ["clerk", "supervisor", *STRANGERS])
def test_only_an_administrator_releases_held_sendings(scene: Scene, who: str) -> None:
    response = scene.client(who).post(reverse("sending_release"), {"note": "prova", "reason": "prova"})
    if who != "administrator of another institution":
        assert response.status_code in {403, 404}


@pytest.mark.parametrize(
    ("name", "arguments"), [row for row in ADDRESSES if row[0] in INSTITUTIONS | INSTITUTION | INSTITUTION_POST]
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_an_institution_is_its_administrators_alone(scene: Scene, name: str, arguments: list[str], method: str) -> None:
    for who in ("clerk", "supervisor"):
        assert getattr(scene.client(who), method)(scene.address(name, arguments)).status_code in {404, 405}
    expected = {200, 302} if (method == "post") == (name in INSTITUTION_POST) or name in INSTITUTION else {405}
    if name in {"remote_configuration_tell", "remote_configuration_compare", "remote_configuration_rotate"}:
        # Nothing is configured yet.
        expected = {404} if method == "post" else {405}
    assert getattr(scene.client("administrator"), method)(scene.address(name, arguments)).status_code in expected


@pytest.mark.parametrize(("name", "arguments"), ADDRESSES)
def test_what_changes_something_cannot_be_done_by_a_link(scene: Scene, name: str, arguments: list[str]) -> None:
    posts = MESSAGE_POST | SUPERVISOR_POST | SENDING_POST | SENDING_SUPERVISOR_POST | SIGNED_IN_POST
    if name in posts | TEMPLATE_POST | SERVICE_POST | ADMINISTRATOR_POST | INSTITUTION_POST:
        response = scene.client("supervisor").get(scene.address(name, arguments))
        assert response.status_code == 405, name
