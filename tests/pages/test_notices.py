"""The e-mails to staff: cause, next step and a link; no personal data."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.core import mail

from messaging.delivery.notices import send_waiting, tell
from messaging.enums import NoticeKind
from tests.pages.conftest import Office

EXPECTED = {
    NoticeKind.APPROVAL: ("un messaggio aspetta il sì", "2 messaggi aspettano il sì", "/waiting/"),
    NoticeKind.SENT_BACK: ("un tuo messaggio è tornato indietro", "2 tuoi messaggi sono tornati indietro", "/"),
    NoticeKind.UNCERTAIN: (
        "su un messaggio: può essere arrivato",
        "su 2 messaggi: possono essere arrivati",
        "/waiting/",
    ),
    NoticeKind.PAUSED: ("un servizio ha smesso di inviare", "un servizio ha smesso di inviare", "/services/"),
    NoticeKind.BATCH_CHECKED: (
        "un foglio che hai caricato è stato controllato",
        "2 fogli che hai caricato sono stati controllati",
        "/sendings/",
    ),
    NoticeKind.BATCH_FINISHED: ("un tuo invio da foglio è finito", "2 tuoi invii da foglio sono finiti", "/sendings/"),
    NoticeKind.HELD: ("tutti gli invii sono fermi", "tutti gli invii sono fermi", "/services/"),
}


@pytest.mark.parametrize("kind", NoticeKind)
@pytest.mark.parametrize("count", [1, 2])
def test_each_kind_of_e_mail_says_what_to_do_and_where(office: Office, kind: NoticeKind, count: int) -> None:
    for _ in range(count):
        tell([office.supervisor], kind, office.service)
    assert send_waiting() == 1
    (message,) = mail.outbox
    assert message.to == [office.supervisor.email]
    text = str(message.body)
    assert text.startswith("Ciao Giulia,\n")
    assert EXPECTED[kind][count - 1] in text
    assert f"{settings.SITE_URL}{EXPECTED[kind][2]}\n" in text
    assert "Servizio: Tributi" in text
    assert "&" not in text
    assert "\n\n\n\n" not in text


def test_without_a_service_the_e_mail_names_none(office: Office) -> None:
    tell([office.administrator], NoticeKind.HELD, None)
    send_waiting()
    assert "Servizi" not in str(mail.outbox[0].body)
