"""What a user with one permission finds out by the URL of a list: nothing that the page hides."""

import pytest
from django.contrib import admin
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.test import RequestFactory

from activities.inspector import readable
from activities.models import Activity, DataInput, RejectedActivity
from adminsite.formatting import changelist_url
from adminsite.options import HubChangeList
from automations.models import Email, OutboxMessage, Suppression
from channels.models import Channel
from consents.models import ConsentAgreement
from contacts.models import Contact, ContactMerge
from tests.admin.history import SHOWN_MODELS, make_history

pytestmark = pytest.mark.django_db

EMAIL, NAME = "ada.lovelace@example.com", "Ermintrude"
NAMING = [Activity, ConsentAgreement, ContactMerge, RejectedActivity]
LOOKUPS = ("", "__startswith", "__contains", "__gt", "__isnull", "__regex", "__in")
of_each_list = pytest.mark.parametrize("model", SHOWN_MODELS, ids=lambda model: model.__name__)


def columns(model, depth=1):
    """Everything that a lookup can begin with, through keys to other tables as well."""
    for field in model._meta.get_fields():
        yield field.name
        if depth and field.is_relation and field.related_model:
            yield from (f"{field.name}__{name}" for name in columns(field.related_model, depth - 1))


def asked(model, /, **query):
    """A request of a superuser, so that nothing but the list itself refuses it."""
    request = RequestFactory().get(changelist_url(model), query)
    request.user = User(is_superuser=True, is_active=True)
    request.session = SessionStore()
    return request


def change_list(model, /, **query):
    return admin.site._registry[model].get_changelist_instance(asked(model, **query))


def test_every_list_of_the_hub_is_tested():
    assert set(admin.site._registry) == set(SHOWN_MODELS)
    for model, model_admin in admin.site._registry.items():
        assert issubclass(model_admin.get_changelist(None), HubChangeList), model


@of_each_list
def test_a_list_takes_nothing_from_its_url_but_its_filters(model):
    make_history()
    specs = change_list(model).filter_specs
    filters = {name for spec in specs for name in spec.expected_parameters()}
    # Filters that have nothing to choose from show nothing, but take what is theirs.
    filters |= {
        f"{one[0]}__isnull"
        for one in admin.site._registry[model].list_filter
        if isinstance(one, tuple)
    } | {getattr(one, "parameter_name", "") for one in admin.site._registry[model].list_filter}

    for column in columns(model):
        for lookup in LOOKUPS:
            if (name := column + lookup) not in filters:
                with pytest.raises((IncorrectLookupParameters, DisallowedModelAdminLookup)):
                    pytest.fail(f"{name} passed: {change_list(model, **{name: 'a'})}")


@pytest.mark.parametrize(
    ("model", "lookup"),
    [
        (Channel, "event_key__startswith"),
        (Channel, "source_key__regex"),
        (ContactMerge, "survivor_before__email__startswith"),
        (ContactMerge, "survivor__email__startswith"),
        (Activity, "properties__iban__startswith"),
        (Activity, "contact__email"),
        (RejectedActivity, "payload_text__contains"),
        (User, "password__startswith"),
    ],
)
def test_secrets_cannot_be_read_letter_by_letter(log_in, model, lookup):
    make_history()

    response = log_in(f"view_{model._meta.model_name}").get(changelist_url(model), {lookup: "a"})

    assert response.status_code == 400 or response.headers["Location"].endswith("?e=1")


def rows_in(response):
    return [row.pk for row in response.context["cl"].result_list]


@pytest.fixture
def known_contact():
    contact = make_history()
    Contact.objects.filter(pk=contact.pk).update(email=EMAIL, first_name=NAME)
    DataInput.objects.update(fields={"email": EMAIL, "first_name": NAME})
    RejectedActivity.objects.update(payload_text=readable(f"{EMAIL} {NAME}".encode()))
    Email.objects.update(recipient=EMAIL, subject=NAME)
    OutboxMessage.objects.update(recipients=EMAIL, subject=NAME)
    Suppression.objects.update(email_key=EMAIL)
    return contact


@of_each_list
def test_a_search_does_not_tell_who_is_known(log_in, known_contact, model):
    client = log_in(f"view_{model._meta.model_name}")
    unknown = client.get(changelist_url(model), {"q": "nobody@example.org"})
    if model is Contact or "cl" not in (unknown.context or {}):
        pytest.skip("This list is of contacts, or is not shown without the right to see them.")

    for term in (EMAIL, EMAIL.upper(), NAME, "ada", "lovelace@example.com"):
        found = client.get(changelist_url(model), {"q": term})
        # A list without a search shows all its rows.
        assert rows_in(found) == rows_in(unknown), term


@pytest.mark.parametrize("model", NAMING, ids=lambda model: model.__name__)
def test_a_search_finds_emails_for_users_who_may_see_contacts(log_in, known_contact, model):
    client = log_in(f"view_{model._meta.model_name}", "view_contact")

    assert rows_in(client.get(changelist_url(model), {"q": EMAIL}))


@pytest.mark.parametrize("model", NAMING, ids=lambda model: model.__name__)
def test_a_search_finds_the_guids_that_the_page_shows(log_in, known_contact, model):
    client = log_in(f"view_{model._meta.model_name}")

    assert rows_in(client.get(changelist_url(model), {"q": str(known_contact.guid)}))


def order_of(found):
    # What is said again changes nothing.
    return list(dict.fromkeys(map(str, found.queryset.query.order_by)))


@of_each_list
def test_a_list_is_ordered_only_by_the_columns_that_say_so(model):
    make_history()
    shown = change_list(model)
    usual = order_of(shown)

    for number, column in enumerate(shown.list_display):
        for order in (f"{number}", f"-{number}"):
            found = change_list(model, o=order)
            if column not in found.sortable_by:
                assert order_of(found) == usual, (column, order)
