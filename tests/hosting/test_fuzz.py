"""Whatever is asked, the answer is one of the contract's, never a 500."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from messaging.enums import Precondition
from messaging.models import Message
from messaging.remote.contents import Texts
from tests.hosting.scene import BODY, PDF, SUBJECT, Scene, code_of

PROBLEM = json.loads((Path(__file__).parent / "schemas" / "problem.json").read_text(encoding="utf-8"))
#: WSGI's strings hold bytes, one a character.
latin = st.text(st.characters(min_codepoint=0, max_codepoint=255), max_size=60)
names = st.from_regex(r"HTTP_[A-Z0-9_]{1,30}", fullmatch=True)
lollipop = st.sampled_from(
    [
        "HTTP_SIGNATURE",
        "HTTP_SIGNATURE_INPUT",
        *(f"HTTP_X_PAGOPA_LOLLIPOP_{name}" for name in ("ORIGINAL_METHOD", "ORIGINAL_URL", "PUBLIC_KEY", "USER_ID")),
    ]
)


@pytest.fixture
def message(scene: Scene) -> Message:
    texts = Texts(subject=SUBJECT, body=BODY, precondition_title="Prima", precondition_body="Apri da solo.")
    return scene.message(PDF, texts=texts, precondition=Precondition.ALWAYS)


@st.composite
def paths(draw: st.DrawFn, known: list[str]) -> str:
    """Anything at all, something like a route, or a real one with a little too much."""
    piece = st.one_of(
        latin, st.sampled_from([*known, str(uuid.UUID(int=0)), "messages", "precondition", "attachments"])
    )
    built = st.lists(piece, max_size=5).map(lambda pieces: "/" + "/".join(pieces))
    return draw(st.one_of(latin, built, st.tuples(st.sampled_from(known), latin).map("".join)))


@pytest.mark.parametrize("signed", [False, True], ids=["LolliPoP off", "LolliPoP on"])
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_request_ends_in_a_500(scene: Scene, message: Message, signed: bool, data: st.DataObject) -> None:
    scene.configuration.is_lollipop_enabled = signed
    scene.configuration.save()
    start = f"/messages/{message.public_id}"
    file = f"{start}/attachments/{message.attached.get().attachment_id}"
    reply = scene.ask(
        data.draw(paths([start, f"{start}/precondition", file])),
        data.draw(st.one_of(st.just(code_of(message)), st.none(), latin)),
        secret=data.draw(st.one_of(st.just(scene.secret), st.just(scene.test_secret), st.none(), latin)),
        method=data.draw(st.one_of(st.sampled_from(["GET", "GET", "GET", "HEAD", "POST"]), latin)),
        **data.draw(st.dictionaries(st.one_of(names, lollipop), latin, max_size=12)),
    )
    assert reply.status in {200, 400, 401, 403, 404, 405}
    if reply.body and reply.status != 200:
        jsonschema.validate(reply.json, PROBLEM)
    assert code_of(message).encode() not in reply.body
