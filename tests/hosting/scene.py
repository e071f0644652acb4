"""An institution whose texts and files IO fetches, and IO as it asks for them within this process."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.core.files.base import ContentFile
from django.utils import timezone

from messaging.enums import EnvironmentKind, Status
from messaging.hosting.application import Hosting
from messaging.hosting.openings import Fetch, Recorder
from messaging.models import (
    Attachment,
    Institution,
    Message,
    MessageAttachment,
    RemoteConfiguration,
    RemoteEnvironment,
    RemoteSecret,
    Service,
    User,
)
from messaging.remote import contents
from messaging.remote.contents import Texts
from tests import cast

HEADER = "X-Portal-Key"
PDF = b"%PDF-1.7\n" + b"1 0 obj << >> endobj\n" * 50
SUBJECT = "L’esito della tua domanda"
BODY = "La tua domanda di contributo per l’anno 2026 è stata accolta. L’importo arriva sul conto che hai indicato."


class Noted(Recorder):
    """Keeps openings in a list, for tests whose database is a transaction that no other thread sees."""

    def __init__(self) -> None:
        super().__init__()
        self.fetches: list[Fetch] = []

    def note(self, fetch: Fetch) -> None:
        self.fetches.append(fetch)


@dataclass
class Reply:
    """What an application answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, once its type says that it is JSON."""
        assert self.headers["Content-Type"].split(";")[0] in {"application/json", "application/problem+json"}
        return json.loads(self.body)


@dataclass
class Scene:
    """One institution with its two environments; ``secret`` is that of production."""

    service: Service
    configuration: RemoteConfiguration
    clerk: User
    secret: str
    test_secret: str
    noted: Noted = field(default_factory=Noted)

    def __post_init__(self) -> None:
        self.application = Hosting(self.noted)

    def message(self, *files: bytes, texts: Texts | None = None, **kw: Any) -> Message:
        """A message that IO has, with a protected text and these files."""
        kw.setdefault("service", self.service)
        kw.setdefault("author", self.clerk)
        kw.setdefault("status", Status.PROCESSED)
        kw.setdefault("has_remote_content", True)
        kw.setdefault("has_attachments", bool(files))
        message = cast.make_message(**kw)
        for place, content in enumerate(files, start=1):
            self.attach(message, content, name=f"esito-{place}.pdf")
        written = texts or Texts(subject=SUBJECT, body=BODY)
        contents.new(message, written, self.clerk.pk).save()
        return message

    def attach(self, message: Message, content: bytes = PDF, name: str = "esito.pdf") -> MessageAttachment:
        """One more file of a message."""
        attachment = Attachment(
            service=message.service,
            name=name,
            size=len(content),
            digest="0" * 64,
            pages=1,
            declares="2a",
            uploaded_by=self.clerk,
        )
        attachment.file.save(name, ContentFile(content), save=True)
        return MessageAttachment.objects.create(
            message=message,
            attachment=attachment,
            position=message.attached.count() + 1,
            name=name,
            added_by=self.clerk,
            added_at=timezone.now(),
        )

    def ask(
        self,
        path: str,
        fiscal_code: str | None = None,
        *,
        secret: str | None = "",
        method: str = "GET",
        **environ: str,
    ) -> Reply:
        """Ask as IO does, with the secret of production unless said; None leaves a header out."""
        given = {"REQUEST_METHOD": method, "PATH_INFO": path, "wsgi.input": io.BytesIO()}
        if secret is not None:
            given["HTTP_X_PORTAL_KEY"] = secret or self.secret
        if fiscal_code is not None:
            given["HTTP_FISCAL_CODE"] = fiscal_code
        return reply_of(self.application, given | environ)

    def detail(self, message: Message, **kw: Any) -> Reply:
        """Ask for a message as its own recipient."""
        return self.ask(f"/messages/{message.public_id}", **{"fiscal_code": code_of(message)} | kw)

    def precondition(self, message: Message, **kw: Any) -> Reply:
        """Ask for the page before a message as its own recipient."""
        return self.ask(f"/messages/{message.public_id}/precondition", **{"fiscal_code": code_of(message)} | kw)

    def file(self, message: Message, attachment: UUID, **kw: Any) -> Reply:
        """Ask for a file of a message as its own recipient."""
        path = f"/messages/{message.public_id}/attachments/{attachment}"
        return self.ask(path, **{"fiscal_code": code_of(message)} | kw)


def code_of(message: Message) -> str:
    """The recipient's fiscal code."""
    assert message.recipient
    return message.recipient.fiscal_code


def reply_of(application: Any, environ: dict[str, Any]) -> Reply:
    """Run a WSGI application as a server does."""
    begun: dict[str, Any] = {}

    def start_response(line: str, headers: list[tuple[str, str]]) -> None:
        begun.update(status=int(line.split()[0]), headers=dict(headers))

    answered = application(environ, start_response)
    try:
        body = b"".join(answered)
    finally:
        if hasattr(answered, "close"):
            answered.close()
    return Reply(begun["status"], begun["headers"], body)


def make_scene(institution: Institution | None = None, *, confirmed: bool = True, **kw: Any) -> Scene:
    """An institution that has registered both environments with IO."""
    service = cast.make_service(key=None, **({"institution": institution} if institution else {}))
    configuration = RemoteConfiguration.objects.create(
        institution=service.institution,
        configuration_id="01HMRBX079WA0ABCDEFGHJKMNP",
        name="Contenuti",
        description="Contenuti del Comune",
        confirmed_at=timezone.now() if confirmed else None,
        **kw,
    )
    secrets = [f"{kind}-{service.pk}-secret" for kind in ("production", "test")]
    for kind, secret in zip((EnvironmentKind.PRODUCTION, EnvironmentKind.TEST), secrets, strict=True):
        environment = RemoteEnvironment.objects.create(
            configuration=configuration, kind=kind, base_url="https://contenuti.example.it", header_name=HEADER
        )
        RemoteSecret.objects.create(environment=environment, secret=secret)
    return Scene(service, configuration, cast.make_person(service=service), *secrets)
