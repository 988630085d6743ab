"""The search that Ctrl+K opens: what it finds, for whom, and how it says so."""

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from activities.models import Activity
from adminsite.formatting import change_url, changelist_url
from adminsite.palette import MOST_FOUND
from automations.models import Automation, Template
from channels.models import Channel
from contacts.models import Contact
from crosssite.models import TrackedSite
from destinations.models import Destination
from tests.admin.history import NASTY, make_history
from tests.factories import (
    make_activity_type,
    make_channel,
    make_consent,
    make_contact,
    make_group,
)

pytestmark = pytest.mark.django_db

URL = reverse("adminsite:search")
PART = {"HX-Request": "true"}


def found(client, term):
    """The titles of what was found, by kind."""
    kinds = client.get(URL, {"q": term}, headers=PART).context["found"]
    return {kind.title: [row.title for row in kind.rows] for kind in kinds}


def test_it_finds_things_of_each_kind_by_a_part_of_their_names(admin_client):
    make_contact(first_name="Éva", last_name="Riverson", email="eva@example.com")
    make_contact(first_name="Stone")
    make_group(name="Riverside people")
    make_activity_type("river_walk", name="Walk by the water")
    make_channel(name="Riverside")
    make_consent("news", name="News of the river")
    channel = make_channel(name="Shop", domain="river.example", kind=Channel.Kind.WEBSITE)
    TrackedSite.objects.create(channel=channel, name="X", code_name="x", url="https://b.river.io")
    Automation.objects.create(name="River", code_name="r")
    Template.objects.create(name="River", code_name="r")
    Destination.objects.create(name="Riverboat", code_name="r")

    assert found(admin_client, "RIVÉR") == {
        "People": ["Éva Riverson"],
        "Contact groups": ["Riverside people"],
        "Automations": ["River"],
        "Templates": ["River"],
        "Activity types": ["Walk by the water"],
        "Tracked sites": ["X"],
        "Channels": ["Riverside", "Shop"],
        "Consents": ["News of the river"],
        "Destinations": ["Riverboat"],
    }


@pytest.mark.parametrize(
    ("term", "title"),
    [("inspec", "Inspector"), ("activity lo", "Activity log"), ("merges", "Merges")],
)
def test_it_finds_pages_of_the_admin(admin_client, term, title):
    assert title in found(admin_client, term)["Pages"]


def test_a_page_stands_there_once(admin_client):
    rows = admin_client.get(URL, {"q": "contact"}, headers=PART).context["found"][-1].rows

    urls = [row.url for row in rows]
    assert len(urls) == len(set(urls))
    assert urls[0] == changelist_url(Contact)


def test_whose_name_it_is_comes_before_those_whose_name_has_it(admin_client):
    exact = make_contact(first_name="Ann", last_name="Lee")
    make_contact(first_name="Annabel")
    make_contact(first_name="Joann")

    people, *_ = admin_client.get(URL, {"q": "ann"}, headers=PART).context["found"]

    assert [row.title for row in people.rows] == ["Ann Lee", "Annabel", "Joann"]
    assert people.rows[0].url == change_url(exact)


def test_a_name_of_two_letters_is_found_among_many_that_begin_so(admin_client, monkeypatch):
    monkeypatch.setattr("contacts.admin.finding._LOOKED_AT", 3)
    make_contact(first_name="Li")
    for number in range(5):
        make_contact(first_name=f"Linda{number}")

    assert found(admin_client, "li")["People"][0] == "Li"


def test_more_than_fits_leads_to_the_list(admin_client):
    for number in range(MOST_FOUND + 1):
        make_contact(first_name=f"Anna {number}", last_name="O'Neil & Co.")

    (people,) = admin_client.get(URL, {"q": "o'neil &"}, headers=PART).context["found"]

    assert len(people.rows) == MOST_FOUND
    assert people.more_url == changelist_url(Contact, "q=o%27neil+%26")
    assert f"{MOST_FOUND + 1} contacts" in admin_client.get(people.more_url).text


KINDS = {
    "People": "contacts.view_contact",
    "Contact groups": "groups.view_contactgroup",
    "Activity types": "activities.view_activitytype",
    "Channels": "channels.view_channel",
    "Consents": "consents.view_consent",
}


@pytest.mark.parametrize("kind", KINDS)
def test_users_find_only_what_they_may_see(log_in, kind):
    make_contact(first_name="Zebra")
    make_group(name="Zebra")
    make_activity_type("zebra")
    make_channel(name="Zebra")
    make_consent("zebra", name="Zebra")

    assert set(found(log_in(KINDS[kind].split(".")[1]), "zebra")) == {kind}


def test_users_without_permissions_find_nothing(client):
    contact = make_history("Zebra")
    client.force_login(User.objects.create(username="new", is_staff=True))

    for term in ("zebra", str(contact.guid), "inspector"):
        answer = client.get(URL, {"q": term}, headers=PART)
        assert answer.context["found"] == []
        assert "Nothing found" in answer.text


def test_who_may_not_see_contacts_finds_what_they_did_by_guid_only(log_in):
    contact = make_contact(first_name="Zebra", email="zebra@example.com")
    client = log_in("view_activity")

    assert found(client, "zebra") == found(client, "zebra@example.com") == {}
    assert found(client, str(contact.guid)[:13]) == {}
    answer = client.get(URL, {"q": str(contact.guid)}, headers=PART)
    (kind,) = answer.context["found"]
    assert kind.rows[0].url == changelist_url(Activity, f"q={contact.guid}")
    assert "Zebra" not in answer.text


def test_guests_are_sent_to_the_login(client):
    answer = client.get(URL, {"q": "anna"}, headers=PART)

    assert answer.status_code == 302
    assert reverse("admin:login") in answer.url


@pytest.mark.parametrize(
    "term",
    ["%", "'", '"', "\\", "\0", "<b>", "x" * 300, "x" * 301, "\u202eanna", "שלום", "王", "-"],
)
@pytest.mark.parametrize("headers", [PART, {}])
def test_it_takes_whatever_is_typed(admin_client, term, headers):
    make_contact(first_name="Stone")

    answer = admin_client.get(URL, {"q": term}, headers=headers)

    assert answer.status_code == 200
    assert "<b>" not in answer.text
    assert not any(kind.title == "People" for kind in answer.context["found"])


def test_names_are_escaped(admin_client):
    make_contact(first_name=NASTY, company_name=NASTY)
    make_group(name=NASTY)

    html = admin_client.get(URL, {"q": "script"}, headers=PART).text

    assert html.count("&lt;script&gt;alert") >= 2
    assert "<script>alert" not in html


def test_what_was_found_is_not_kept_by_browsers(admin_client):
    assert "no-store" in admin_client.get(URL, {"q": "anna"})["Cache-Control"]


def test_it_is_a_page_where_scripts_do_not_run(admin_client):
    contact = make_contact(first_name="Anna")

    html = admin_client.get(URL, {"q": "anna"}).text

    assert f'<a href="{change_url(contact)}"' in html
    assert 'value="anna"' in html
    assert 'role="option"' not in html


def test_each_page_has_a_button_that_opens_it(admin_client):
    html = admin_client.get(reverse("admin:index")).text

    assert "data-palette-open" in html
    assert "Ctrl K" in html
    assert 'id="palette"' in html


@pytest.mark.parametrize("count", [1, 3])
def test_it_takes_a_constant_number_of_queries(admin_client, count, django_assert_num_queries):
    for number in range(count):
        make_contact(first_name="Zebra")
        make_group(f"zebra-{number}", name="Zebra")
        make_channel(name="Zebra")
        make_activity_type(f"zebra{number}")
    admin_client.get(URL, {"q": "zebra"}, headers=PART)

    with django_assert_num_queries(16):
        admin_client.get(URL, {"q": "zebra"}, headers=PART)
