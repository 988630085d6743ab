"""Conditions on rows by many keys at once."""

import pytest

from contacts.models import Contact
from database.lookups import Among

pytestmark = pytest.mark.django_db


def test_rows_among_keys_are_found_by_one_parameter():
    contacts = Contact.objects.bulk_create(Contact() for _ in range(3))
    wanted = {contacts[0].pk, contacts[2].pk}

    found = Contact.objects.filter(Among("pk", wanted))

    assert {contact.pk for contact in found} == wanted
    _, params = found.query.sql_with_params()
    assert len(params) == 1


def test_no_row_is_among_no_keys():
    Contact.objects.create()

    assert list(Contact.objects.filter(Among("pk", []))) == []
