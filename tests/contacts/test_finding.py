"""Finding contacts takes no longer the more there are: an index leads to them."""

import pytest
from django.db import connection

from contacts.models import Contact, ContactIdentifier
from contacts.texts import ContactText
from database.grams import Plain, has_part
from tests.factories import make_contact

pytestmark = pytest.mark.django_db


@pytest.fixture
def avoid_reading_whole_tables(db):
    """Let PostgreSQL read a whole table only if there is no other way, however small it is."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")


def test_an_email_is_found_by_the_index_of_emails(avoid_reading_whole_tables):
    plan = Contact.objects.with_email("ada@example.com").explain()

    assert "Index Scan using one_live_contact_per_email" in plan
    assert "Index Cond" in plan


@pytest.mark.parametrize("part", ["eller", "li", "李", "5b1f6a7e", "+49171", "o'brien"])
def test_a_part_of_a_text_is_found_by_the_index_of_grams(avoid_reading_whole_tables, part):
    for model, text, index in (
        (Contact, ContactText(), "contacts_by_any_part"),
        (ContactIdentifier, Plain("value"), "identifiers_by_any_part"),
    ):
        plan = model.objects.filter(has_part(text, part)).explain()

        assert f"Bitmap Index Scan on {index}" in plan
        assert "Index Cond" in plan


def test_nobody_has_the_empty_email():
    make_contact()

    assert not Contact.objects.with_email("").exists()
