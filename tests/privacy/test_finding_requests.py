"""Requests are found and named by who the person is today, and no search takes long."""

import time

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from adminsite.formatting import changelist_url
from contacts.models import Contact
from privacy.admin import receive_page, requests
from privacy.models import PersonRequest
from tests.contacts.merged import merge
from tests.factories import make_contact
from tests.privacy.asked import ask

pytestmark = pytest.mark.django_db

LIST = changelist_url(PersonRequest)
ADD = reverse("admin:privacy_personrequest_add")
PEOPLE = reverse("admin:privacy_personrequest_people")
REGISTER = reverse("admin:privacy_personrequest_register")
TYPE_MORE = "Type more of it"


def merged_twice(name):
    """A person whose request came for a record that two merges have led away from."""
    first, second = make_contact(first_name="Old", last_name="Record"), make_contact()
    request = ask("access", first)
    merge(second, first)
    last = make_contact(first_name=name, last_name="Berg", email=f"{name}@example.com")
    merge(last, second)
    first.refresh_from_db()
    assert first.merged_into_id == second.pk
    return request


@pytest.mark.parametrize("term", ["Ann Berg", "ann@example.com"])
def test_a_request_of_before_two_merges_is_found_and_named(admin_client, term):
    request = merged_twice("Ann")
    ask("access", make_contact(first_name="Ben"))

    page = admin_client.get(LIST, {"q": term})

    assert list(page.context["cl"].result_list) == [request]
    assert [requests.person(row) for row in page.context["cl"].result_list] == ["Ann Berg"]
    assert "Ann Berg" in page.text


def test_the_dashboard_names_who_the_person_is_after_two_merges(admin_client):
    merged_twice("Ann")

    assert "Access: Ann Berg" in admin_client.get(reverse("admin:index")).text


@pytest.mark.parametrize("url", [LIST, f"{LIST}?q=Berg", reverse("admin:index"), REGISTER])
def test_who_people_are_is_asked_once_for_all_rows(admin_client, url):
    def questions():
        with CaptureQueriesContext(connection) as asked:
            page = admin_client.get(url)
            b"".join(page)
        return len(asked)

    merged_twice("Ann")
    questions()
    for_one = questions()
    for name in ("Ben", "Cora", "Dora"):
        merged_twice(name)

    assert questions() == for_one


@pytest.fixture
def slow(monkeypatch):
    """Looking for contacts takes ten seconds, and pages wait for a tenth of one."""

    def search(queryset, term):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(10)")
        return Contact.objects.none()

    monkeypatch.setattr(receive_page, "SEARCH_SECONDS", 0.1)
    monkeypatch.setattr(requests, "SEARCH_SECONDS", 0.1)
    monkeypatch.setattr(requests.PersonRequestAdmin, "longest_seconds", 0.1)
    monkeypatch.setattr(receive_page, "search_contacts", search)
    monkeypatch.setattr(requests, "search_contacts", search)


def test_a_search_of_requests_that_takes_too_long_is_given_up(admin_client, slow):
    ask("access", make_contact(first_name="Ann"))

    page = admin_client.get(LIST, {"q": "a"})

    assert list(page.context["cl"].result_list) == []
    assert TYPE_MORE in page.text


def test_the_register_of_a_search_that_takes_too_long_is_no_empty_file(admin_client, slow):
    ask("access", make_contact(first_name="Ann"))

    page = admin_client.get(REGISTER, {"q": "a"}, follow=True)

    assert page.redirect_chain == [(LIST, 302)]
    assert TYPE_MORE in page.text


def test_people_who_take_too_long_to_be_found_are_not_offered(admin_client, slow):
    begun = time.monotonic()

    page = admin_client.get(PEOPLE, {"who": "a"})

    assert TYPE_MORE in page.text
    assert "Nobody is found" not in page.text
    assert time.monotonic() - begun < 8


def test_a_request_for_somebody_who_takes_too_long_to_be_found_is_refused(admin_client, slow):
    given = {"kind": "access", "way": "email", "received_on": "2024-01-31", "who": "a"}

    page = admin_client.post(ADD, {**given, "notes": "What she wrote."})

    assert page.status_code == 200
    assert TYPE_MORE in page.text
    assert "What she wrote." in page.text
    assert not PersonRequest.objects.exists()
