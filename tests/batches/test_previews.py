from __future__ import annotations

from messaging.batches import previews
from messaging.models import Message
from tests import cast
from tests.batches.conftest import Office, csv_of, person_row


def test_a_row_is_shown_as_its_person_will_read_it_and_never_saved(office: Office) -> None:
    batch = office.checked(csv_of(person_row(1), person_row(2, nome="Ugo *")))
    sample = previews.sample_of(batch, 3)
    assert sample is not None
    message = sample.message
    assert message.recipient is not None
    assert message.recipient.fiscal_code == cast.make_fiscal_code(2)
    assert message.body.startswith("Ciao Ugo \\*, il saldo di 148,50 euro")
    assert not Message.objects.exists()


def test_a_wrong_row_and_one_that_is_not_there_show_nothing(office: Office) -> None:
    batch = office.checked(csv_of(person_row(1, nome=""), person_row(2)))
    assert previews.sample_of(batch, 2) is None
    assert previews.sample_of(batch, 99) is None


def test_the_rows_beside_a_row_are_those_that_can_be_shown(office: Office) -> None:
    batch = office.checked(csv_of(person_row(1), person_row(2, nome=""), person_row(3)))
    assert previews.neighbours(batch, 2) == (None, 4)
    assert previews.neighbours(batch, 4) == (2, None)
