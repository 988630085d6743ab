"""Values that came before, which the builder of groups offers."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from groups.admin import offers
from tests.admin.groups import LIST_URL
from tests.factories import make_activity, make_activity_type, make_contact
from tests.plans import plan_of

pytestmark = pytest.mark.django_db

SUGGEST_URL = f"{LIST_URL}suggest/"


def suggested(client, of, name="", begun="", **more):
    given = {"of": of, "name": name, "begun": begun, **more}
    return client.get(SUGGEST_URL, given).json()["values"]


def test_values_of_late_are_offered_the_most_frequent_first(admin_client):
    for path in ("loans", "loans", "cards", ""):
        make_activity(url=path and f"https://example.com/{path}")
    make_activity(type=make_activity_type(), url="https://example.com/calculator")
    url = f"{SUGGEST_URL}?of=url&type=PageVisit"

    assert admin_client.get(url).json() == {
        "values": ["https://example.com/loans", "https://example.com/cards"]
    }
    assert admin_client.get(f"{url}&begun=CARD").json() == {"values": ["https://example.com/cards"]}
    for query in (
        "of=recorded_in&type=pagevisit",
        "of=url",
        "of=property_name",
        "of=url&type=pagevisit&begun=%00",
        "of=url&type=%00",
    ):
        assert admin_client.get(f"{SUGGEST_URL}?{query}").json() == {"values": []}


def test_values_of_fields_that_many_share_are_offered(admin_client):
    for city in ("Graz", "Wien", "Wien", "", "WÜRZBURG"):
        make_contact(city=city, first_name="Nina", notes="calls at noon")

    assert suggested(admin_client, "field", "city") == ["Wien", "Graz", "WÜRZBURG"]
    assert suggested(admin_client, "field", "city", begun="zbü") == []
    assert suggested(admin_client, "field", "city", begun="wü") == ["WÜRZBURG"]
    for name in ("first_name", "notes", "email", "birthday", "guid", "", "city\0"):
        assert suggested(admin_client, "field", name) == [], name


def test_names_and_values_of_properties_that_came_in_are_offered(admin_client):
    for properties in (
        {"plan": "gold", "loan": {"term": 12}},
        {"plan": "gold", "loan.term": 24},
        {"plan": "basic", "3": True},
        {},
        None,
        ["plan"],
    ):
        make_activity(properties=properties)
    make_activity(type=make_activity_type(), properties={"amount": 5})

    def offered(of, name="", begun=""):
        return suggested(admin_client, of, name, begun, type="PageVisit")

    assert offered("property_name") == ["plan", "3", "loan", "loan.term"]
    assert offered("property_name", begun="LOAN") == ["loan", "loan.term"]
    assert offered("property", "plan") == ["gold", "basic"]
    assert offered("property", "loan.term") == ["12", "24"]
    assert offered("property", "3") == ["true"]
    assert offered("property", "amount") == offered("property") == []


def test_values_tell_users_nothing_who_may_not_see_contacts(log_in):
    client = log_in("view_contactgroup", "change_contactgroup")
    make_activity(make_contact(city="Wien"), properties={"email": "nina@example.com"})

    assert suggested(client, "field", "city") == []
    assert suggested(client, "property_name", type="pagevisit") == []
    assert suggested(client, "property", "email", type="pagevisit") == []


def test_values_are_counted_among_the_latest_rows_alone(admin_client, monkeypatch):
    monkeypatch.setattr(offers, "_LATEST", 2)
    monkeypatch.setattr(offers, "_LATEST_CONTACTS", 2)
    for number in range(3):
        contact = make_contact(city=f"City {number}")
        make_activity(contact, value=f"Page {number}", properties={f"name{number}": number})

    assert suggested(admin_client, "field", "city") == ["City 1", "City 2"]
    assert suggested(admin_client, "value", type="pagevisit") == ["Page 1", "Page 2"]
    assert suggested(admin_client, "property_name", type="pagevisit") == ["name1", "name2"]
    assert suggested(admin_client, "property", "name0", type="pagevisit") == []


@pytest.mark.parametrize(
    ("of", "name", "index"),
    [
        ("field", "city", "contact_newest_first"),
        ("url", "", "activities_of_a_type"),
        ("property", "loan.term", "activities_of_a_type"),
        ("property_name", "", "activities_of_a_type"),
    ],
)
def test_the_latest_rows_are_read_by_an_index(admin_user, of, name, index):
    make_activity()
    rare = make_activity(type=make_activity_type()).type.code_name

    with CaptureQueriesContext(connection) as queries:
        offers.suggestions(admin_user, of, [rare], "", name)

    (read,) = [one["sql"] for one in queries if "LIMIT" in one["sql"]]
    plan = plan_of(read, without=("seqscan", "bitmapscan", "sort", "incremental_sort"))
    assert f"using {index}" in plan
    assert "Sort" not in plan
