"""What the app gets to see of an institution's answer (platform notes, A3.3 and A3.5)."""

import json
from dataclasses import dataclass, field
from typing import Any, Final

from messaging.simulator.schema import MARKDOWN, NON_EMPTY, SUBJECT

DETAIL: Final = "detail"
PRECONDITION: Final = "precondition"
ATTACHMENT: Final = "attachment"
PARTS: Final = (DETAIL, PRECONDITION, ATTACHMENT)

_PASSED_ON: Final = frozenset({400, 403, 404, 429, 500})
_PDF: Final = b"%PDF"
_DEFAULT_WAIT: Final = 10
_LONGEST_WAIT: Final = 24


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back from an institution; `status` is None when nothing did."""

    status: int | None
    body: bytes = b""
    retry_after: str = ""


@dataclass(frozen=True, slots=True)
class File:
    """One attachment of a detail: `name` is what the app shows, `url` what it asks for."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class View:
    """What the app gets: a status, and either content or a reason.

    `error` is the platform's word for what is wrong, such as REMOTE_CONTENT_NOT_PRESENT; `explanation` says it in
    Italian for trainees. `wait` is in seconds, for a file that is not ready. `title` is the subject, or the title of
    the precondition.
    """

    status: int
    error: str = ""
    explanation: str = ""
    wait: int = 0
    title: str = ""
    markdown: str = ""
    files: list[File] = field(default_factory=list)
    content: bytes = b""


def view_detail(answer: Answer, third_party: dict[str, Any], public: dict[str, Any]) -> View:
    """The message as the app shows it, or the first thing that is wrong, in the platform's order (A3.3)."""
    if refused := _refused(answer):
        return refused
    detail = _decoded_detail(answer.body)
    if detail is None:
        return View(500, "invalid response", "Il corpo della risposta non ha la forma del contratto.")
    attachments, details = detail
    if third_party["has_attachments"] and not attachments:
        return View(502, "ATTACHMENTS_NOT_PRESENT", "Il messaggio promette allegati, ma nella risposta non ce ne sono.")
    files = [_file(raw) for raw in attachments] if third_party["has_attachments"] else []
    if not third_party["has_remote_content"]:
        return View(200, title=public["subject"], markdown=public["markdown"], files=files)
    return _remote(details, files)


def _remote(details: dict[str, Any] | None, files: list[File]) -> View:
    if details is None:
        return View(
            502, "REMOTE_CONTENT_NOT_PRESENT", "Il messaggio promette un testo remoto, ma nella risposta non c’è."
        )
    if not MARKDOWN.accepts(details.get("markdown")):
        return View(502, "MARKDOWN_VALIDATION_ERROR", "Il testo remoto non ha tra 80 e 10.000 caratteri.")
    if not SUBJECT.accepts(details.get("subject")):
        return View(502, "SUBJECT_VALIDATION_ERROR", "L’oggetto remoto non ha tra 10 e 120 caratteri.")
    return View(200, title=details["subject"], markdown=details["markdown"], files=files)


def view_precondition(answer: Answer) -> View:
    """The page before the message: a title and a text, both required, of any length."""
    if refused := _refused(answer):
        return refused
    body = _json(answer.body)
    title, markdown = (body.get("title"), body.get("markdown")) if isinstance(body, dict) else (None, None)
    if not isinstance(title, str) or not isinstance(markdown, str):
        return View(500, "invalid response", "Alla precondizione manca il titolo o il testo.")
    return View(200, title=title, markdown=markdown)


def view_attachment(answer: Answer) -> View:
    """The file, which must begin with %PDF; 503 is passed on with a wait (A3.3 and A3.5)."""
    if answer.status == 503:
        text = answer.retry_after if answer.retry_after.isdecimal() else str(_DEFAULT_WAIT)
        wait = max(1, min(int(text[:9]), _LONGEST_WAIT))
        return View(503, "not ready", "L’ente sta ancora preparando il file: l’app aspetta e riprova.", wait)
    if refused := _refused(answer):
        return refused
    if answer.body[:4] != _PDF:
        return View(415, "not a PDF", "I primi quattro byte del file non sono %PDF: l’app non lo apre.")
    return View(200, content=answer.body)


def _refused(answer: Answer) -> View | None:
    """A status that is not 200, as the app gets it; 401 and whatever is not in the contract become 500 (A3.5)."""
    status = answer.status
    if status == 200:
        return None
    if status is None:
        return View(500, "no answer", "L’ente non ha risposto entro 10 secondi, o la connessione non è riuscita.")
    if status in _PASSED_ON:
        return View(status, f"answered {status}", f"L’ente ha risposto {status}, e lo stesso arriva all’app.")
    return View(
        500,
        f"unexpected {status}",
        f"L’ente ha risposto {status}, che IO non si aspetta: all’app arriva un errore 500.",
    )


def _decoded_detail(body: bytes) -> tuple[list[dict[str, Any]], dict[str, Any] | None] | None:
    """Attachments and details of a body that decodes, else None."""
    raw = _json(body)
    if not isinstance(raw, dict):
        return None
    attachments, details = raw.get("attachments", []), raw.get("details")
    if not isinstance(attachments, list) or ("details" in raw and not isinstance(details, dict)):
        return None
    return (attachments, details) if all(_decodes(item) for item in attachments) else None


def _decodes(attachment: object) -> bool:
    if not isinstance(attachment, dict):
        return False
    required = all(NON_EMPTY.accepts(attachment.get(name)) for name in ("id", "url"))
    optional = ("name", "content_type", "category")
    return required and all(NON_EMPTY.accepts(attachment[name]) for name in optional if name in attachment)


def _file(raw: dict[str, Any]) -> File:
    """As the app names a file: its id when it has no name, without signs that file systems dislike, with `.pdf`."""
    name = "".join(sign for sign in raw.get("name", raw["id"]) if sign not in '/\\:*?"<>|')
    return File(name if name.lower().endswith(".pdf") else f"{name}.pdf", raw["url"])


def _json(body: bytes) -> Any:
    try:
        return json.loads(body.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError):
        return None
