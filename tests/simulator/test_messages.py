"""What becomes of a message, and who may see it."""

from __future__ import annotations

import re
import time

import pytest

from tests.simulator.box import (
    ANAGRAFE,
    BORGOFIORE,
    FAILING,
    INBOX_OFF,
    LAURA,
    MANUAL,
    NOT_ON_IO,
    OPTED_OUT,
    PAYER,
    READER,
    RESERVED,
    SCUOLA,
    SLOW,
    TEST_CODE,
    TRIBUTI,
    TRIBUTI_SECOND,
    UNKNOWN,
    Box,
    eventually,
    message,
    payment,
)

PREMIUM = {"feature_level_type": "ADVANCED"}


def test_an_accepted_message_has_an_id_and_a_relative_location(box: Box) -> None:
    answer = box.submit(message())
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/api/v1/messages/{LAURA}/{answer.json()['id']}"
    assert answer.headers["X-Frame-Options"] == "DENY"


def test_the_same_message_twice_is_two_messages(box: Box) -> None:
    first, second = box.submit(message()).json()["id"], box.submit(message()).json()["id"]
    assert first != second
    assert box.control("GET", "/ledger/summary") == {LAURA: 2}


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (LAURA, "PROCESSED"),
        (TEST_CODE, "PROCESSED"),
        ("LDXABC12A03Z999X", "PROCESSED"),
        (NOT_ON_IO, "REJECTED"),
        (UNKNOWN, "REJECTED"),
        (INBOX_OFF, "REJECTED"),
        (OPTED_OUT, "REJECTED"),
        (MANUAL, "REJECTED"),
        (FAILING, "FAILED"),
    ],
)
def test_everybody_in_the_cast_ends_as_announced(box: Box, code: str, status: str) -> None:
    identity = box.sent(message(code))
    shown = box.get(code, identity).json()
    assert shown["status"] == status
    assert ("content" in shown["message"]) is (status == "PROCESSED")
    assert "notification" not in shown


def test_opting_out_concerns_one_service(box: Box) -> None:
    assert box.status(message(OPTED_OUT), SCUOLA) == "PROCESSED"


def test_a_message_stays_accepted_until_its_time_has_come(box: Box) -> None:
    box.control("POST", "/settings", {"settle_seconds": 0.3})
    identity = box.submit(message()).json()["id"]
    first = box.get(LAURA, identity).json()
    assert first["status"] == "ACCEPTED"
    assert "content" not in first["message"]
    eventually(lambda: box.get(LAURA, identity).json()["status"] == "PROCESSED")


def test_the_slow_citizen_takes_longer_than_the_others(box: Box) -> None:
    identity = box.submit(message(SLOW)).json()["id"]
    assert box.get(SLOW, identity).json()["status"] == "ACCEPTED"
    box.control("POST", "/settle")
    assert box.get(SLOW, identity).json()["status"] == "PROCESSED"


def test_the_moment_of_processing_decides_not_the_moment_of_looking(box: Box) -> None:
    identity = box.submit(message()).json()["id"]
    time.sleep(0.01)
    box.control("POST", "/citizens", {"fiscal_code": LAURA, "on_io": False})
    assert box.get(LAURA, identity).json()["status"] == "PROCESSED"
    assert box.status(message()) == "REJECTED"


def test_only_the_sending_service_reads_a_message_with_either_key(box: Box) -> None:
    identity = box.sent(message())
    assert box.get(LAURA, identity, TRIBUTI_SECOND).status_code == 200
    answer = box.get(LAURA, identity, SCUOLA)
    assert answer.status_code == 403
    assert answer.json()["detail"].endswith("you can only read messages that you have sent")


def test_a_right_id_with_another_fiscal_code_is_404(box: Box) -> None:
    assert box.get(TEST_CODE, box.sent(message())).status_code == 404


def test_creation_and_sender_are_shown(box: Box) -> None:
    shown = box.get(LAURA, box.sent(message())).json()["message"]
    assert shown["sender_service_id"] == "01JTR1BVT1VA1D0R1A00000001"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", shown["created_at"])


def test_limited_accounts_write_to_the_test_code_only(box: Box) -> None:
    assert box.submit(message(TEST_CODE), BORGOFIORE).status_code == 201
    assert box.submit(message(LAURA), BORGOFIORE).status_code == 403


def test_the_limited_group_wins_over_the_full_one(box: Box) -> None:
    assert box.submit(message(LAURA), "limited-wins").status_code == 201
    assert box.submit(message(READER), "limited-wins").status_code == 403


def test_a_payee_needs_its_group_and_is_kept(box: Box) -> None:
    data = payment(100, payee={"fiscal_code": "12345678901"})
    shown = box.get(LAURA, box.sent(message(payment_data=data), "payee"), "payee").json()
    assert shown["message"]["content"]["payment_data"]["payee"] == {"fiscal_code": "12345678901"}


def test_premium_fields_are_absent_from_standard_messages(box: Box) -> None:
    shown = box.get(LAURA, box.sent(message(payment_data=payment()), ANAGRAFE), ANAGRAFE).json()
    assert set(shown) == {"message", "status"}


def test_premium_messages_tell_whether_they_were_read(box: Box) -> None:
    unread = box.sent({**message(), **PREMIUM}, ANAGRAFE)
    silent = box.sent({**message(RESERVED), **PREMIUM}, ANAGRAFE)
    rejected = box.sent({**message(UNKNOWN), **PREMIUM}, ANAGRAFE)
    assert box.get(LAURA, unread, ANAGRAFE).json()["read_status"] == "UNREAD"
    assert "payment_status" not in box.get(LAURA, unread, ANAGRAFE).json()
    assert box.get(RESERVED, silent, ANAGRAFE).json()["read_status"] == "UNAVAILABLE"
    assert "read_status" not in box.get(UNKNOWN, rejected, ANAGRAFE).json()


def test_the_reader_reads_and_the_payer_pays_after_a_while(box: Box) -> None:
    box.control("POST", "/citizens", {"fiscal_code": PAYER, "reads_after": 0.2, "pays_after": 0.4})
    identity = box.sent({**message(PAYER, payment_data=payment()), **PREMIUM}, ANAGRAFE)
    shown = box.get(PAYER, identity, ANAGRAFE).json()
    assert (shown["read_status"], shown["payment_status"]) == ("UNREAD", "NOT_PAID")
    eventually(lambda: box.get(PAYER, identity, ANAGRAFE).json()["payment_status"] == "PAID")
    assert box.get(PAYER, identity, ANAGRAFE).json()["read_status"] == "READ"


def test_a_notice_is_paid_wherever_it_appears(box: Box) -> None:
    box.control("POST", "/citizens", {"fiscal_code": PAYER, "pays_after": 0})
    box.sent(message(PAYER, payment_data=payment()), TRIBUTI)
    same = box.sent({**message(LAURA, payment_data=payment()), **PREMIUM}, ANAGRAFE)
    assert box.get(LAURA, same, ANAGRAFE).json()["payment_status"] == "PAID"


def test_the_old_shape_has_a_notification(box: Box) -> None:
    box.control("POST", "/settings", {"old_notification": True})
    shown = box.get(LAURA, box.sent(message())).json()
    assert shown["notification"] == {"email": "SENT", "webhook": "SENT"}
