"""The register of requests as CSV: one line for each, harmless in spreadsheets, with filters."""

import csv
import io

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from privacy.requests import answering
from privacy.requests.due import today
from privacy.requests.register import COLUMNS
from tests.contacts.merged import merge
from tests.factories import make_contact
from tests.privacy.asked import ask, ask_and_check

pytestmark = pytest.mark.django_db

URL = reverse("admin:privacy_personrequest_register")


def lines_of(response):
    text = b"".join(response.streaming_content).decode()
    return list(csv.DictReader(io.StringIO(text)))


def test_each_request_is_a_line(admin_client, admin_user):
    ann, other = make_contact(email="ann@example.com"), make_contact()
    access = ask_and_check("access", other, by=admin_user, days=40)
    ask("access", other, days=39)
    merge(ann, other)
    answering.refuse(access.pk, "excessive", "Ann again.", by=admin_user)
    ask("erasure", email="nobody@example.com")

    response = admin_client.get(URL)

    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"] == (
        f'attachment; filename="requests-{today():%Y-%m-%d}.csv"'
    )
    first, second = lines_of(response)
    assert tuple(first) == COLUMNS
    access.refresh_from_db()
    assert {name: first[name] for name in ("number", "kind", "person", "received_again")} == {
        "number": str(access.pk),
        "kind": "access",
        "person": "ann@example.com",
        "received_again": "1",
    }
    assert (first["due_on"], first["in_time"], first["days_taken"]) == (
        *(access.due_on.isoformat(), "no", "40"),
    )
    assert (first["identity_by"], first["refusal_ground"], first["registered_by"]) == (
        *("admin", "excessive", "admin"),
    )
    assert "Ann again." not in str(first)
    assert (second["person"], second["state"], second["ended_on"]) == (
        *("nobody@example.com", "open", ""),
    )


def test_no_cell_is_a_formula(admin_client):
    user = User.objects.create(username="=cmd()")
    ask("access", make_contact(email="+ann@example.com"), by=user)

    (line,) = lines_of(admin_client.get(URL))

    assert (line["person"], line["registered_by"]) == ("'+ann@example.com", "'=cmd()")


def test_the_filters_of_the_list_count(admin_client):
    ask("access", make_contact())
    erasure = ask("erasure", make_contact(), days=60)

    by_kind = lines_of(admin_client.get(URL, {"kind__exact": "erasure"}))
    overdue = lines_of(admin_client.get(URL, {"due": "overdue"}))
    until = lines_of(admin_client.get(URL, {"received_to": erasure.received_on.isoformat()}))

    numbers = {line["number"] for lines in (by_kind, overdue, until) for line in lines}
    assert numbers == {str(erasure.pk)}
    assert admin_client.get(URL, {"nonsense": "1"}).status_code == 404


def test_the_list_leads_to_the_register_with_its_filters(admin_client):
    ask("access", make_contact())

    html = admin_client.get(reverse("admin:privacy_personrequest_changelist") + "?due=soon").text

    assert f'href="{URL}?due=soon"' in html
