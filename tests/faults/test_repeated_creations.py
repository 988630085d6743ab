"""An app that sends "create a contact" again, because it got no answer: one contact, no error."""

from functools import partial

import pytest
from django.db import connection

from contacts.models import Contact
from tests.factories import make_key
from tests.threads import run_at_once
from tracking.contact_creation import create_contact


@pytest.fixture
def refused_statements():
    """The statements that PostgreSQL has refused, and so perhaps written into its log."""
    refused = []

    def watch(execute, sql, params, many, context):
        try:
            return execute(sql, params, many, context)
        except Exception:
            refused.append(sql)
            raise

    with connection.execute_wrapper(watch):
        yield refused


@pytest.mark.django_db
def test_repeat_is_no_error_and_leaves_no_contact(refused_statements):
    api_key, _ = make_key()

    first, again = create_contact(api_key, "install-42"), create_contact(api_key, "install-42")

    assert first == again == Contact.objects.get()
    assert refused_statements == []


@pytest.mark.django_db(transaction=True)
def test_many_requests_with_one_key_at_once_create_one_contact():
    api_key, _ = make_key()

    contacts = run_at_once(*[partial(create_contact, api_key, "install-42")] * 8)

    assert set(contacts) == {Contact.objects.get()}
