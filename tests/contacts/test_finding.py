"""Finding contacts takes no longer the more there are: an index leads to them."""

import pytest

from contacts.models import Contact, ContactIdentifier
from contacts.texts import ContactText
from database.grams import Plain, has_part
from tests.factories import make_contact
from tests.plans import plan_of

pytestmark = pytest.mark.django_db


def test_an_email_is_found_by_the_index_of_emails():
    plan = plan_of(Contact.objects.with_email("ada@example.com"), without=["seqscan"])

    assert "Index Scan using one_live_contact_per_email" in plan
    assert "Index Cond" in plan


@pytest.mark.parametrize("part", ["eller", "li", "李", "5b1f6a7e", "+49171", "o'brien"])
def test_a_part_of_a_text_is_found_by_the_index_of_grams(part):
    for model, text, index in (
        (Contact, ContactText(), "contacts_by_any_part"),
        (ContactIdentifier, Plain("value"), "identifiers_by_any_part"),
    ):
        plan = plan_of(model.objects.filter(has_part(text, part)), without=["seqscan"])

        assert f"Bitmap Index Scan on {index}" in plan
        assert "Index Cond" in plan


def test_nobody_has_the_empty_email():
    make_contact()

    assert not Contact.objects.with_email("").exists()
