"""The WSGI application that IO fetches from: three routes and nothing else (platform notes, A3).

A plain function over the database: no addresses, sessions or middleware of the pages, and no page is served here.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING
from wsgiref.util import FileWrapper

from django.conf import settings

from messaging.appio.fiscal_codes import matches_platform
from messaging.hosting import answers, contents, files, routes, signatures
from messaging.hosting.answers import Answer
from messaging.hosting.callers import Caller, Callers
from messaging.hosting.contents import Found, Incoherent, Place
from messaging.hosting.openings import Fetch, Recorder

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

_log = logging.getLogger(__name__)
_METHODS = ("GET", "HEAD")


class Hosting:
    """The application; whoever makes one says where openings go on record."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._callers = Callers()
        self._app_hosts = frozenset(settings.LOLLIPOP_HOSTS)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            answer = self._answer(environ)
        except Exception:
            # IO is told what the contract has for it, whatever happened; the log has the rest.
            _log.exception("a request of IO failed")
            answer = answers.refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "The content cannot be read now.")
        start_response(answer.line, answer.headers)
        if environ["REQUEST_METHOD"] == "HEAD":
            _close(answer.body)
            return ()
        return answer.body

    def _answer(self, environ: WSGIEnvironment) -> Answer:
        callers = self._callers.of(environ)
        if not callers:
            return answers.refusal(HTTPStatus.UNAUTHORIZED)
        target = routes.parse(environ["PATH_INFO"])
        if target is None:
            return _nothing_there()
        if environ["REQUEST_METHOD"] not in _METHODS:
            return answers.refusal(
                HTTPStatus.METHOD_NOT_ALLOWED, "Only GET is served here.", ("Allow", ", ".join(_METHODS))
            )
        # A request with both fiscal_code and fiscal-code has two codes here, which is no code.
        fiscal_code = environ.get("HTTP_FISCAL_CODE", "")
        if not matches_platform(fiscal_code):
            return answers.refusal(HTTPStatus.BAD_REQUEST, "The header fiscal_code is missing or is not a fiscal code.")
        by_institution = {caller.institution: caller for caller in reversed(callers) if caller.asks_for(fiscal_code)}
        found = contents.find(target, fiscal_code, by_institution.keys()) if by_institution else None
        if found is None:
            return _nothing_there()
        caller = by_institution[found.institution]
        answer = self._answer_with(found, environ, fiscal_code, caller)
        if environ["REQUEST_METHOD"] == "GET":
            now = datetime.now(UTC)
            self._recorder.note(
                Fetch(found.message, target.part, found.attachment, caller.environment, answer.status, now)
            )
        return answer

    def _answer_with(self, found: Found, environ: WSGIEnvironment, fiscal_code: str, caller: Caller) -> Answer:
        if caller.signs_for(fiscal_code):
            refused = signatures.refusal(environ, fiscal_code, found.io_id, self._app_hosts)
            if refused is not None:
                return answers.refusal(refused)
        if found.says is None:
            return _nothing_there()
        if isinstance(found.says, Place):
            return _file(found.says, environ)
        if isinstance(found.says, Incoherent):
            _log.error("message %d cannot be shown by the app: %s", found.message, found.says)
            return answers.refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "The content is not complete.")
        return answers.content(found.says)


def _nothing_there() -> Answer:
    """The same for a wrong address, a wrong id, a wrong person and a wrong institution."""
    return answers.refusal(HTTPStatus.NOT_FOUND, "There is nothing here for this person.")


def _file(place: Place, environ: WSGIEnvironment) -> Answer:
    try:
        file = files.opened(place)
    except files.NotReady:
        return answers.refusal(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "The file is not ready; ask again after the seconds in Retry-After.",
            ("Retry-After", str(files.RETRY_AFTER)),
        )
    wrapper = environ.get("wsgi.file_wrapper", FileWrapper)
    return answers.file(wrapper(file, files.BLOCK), place.size)


def _close(body: Iterable[bytes]) -> None:
    close = getattr(body, "close", None)
    if close is not None:
        close()
