"""Properties of activities as columns: offered by what came last, and kept once chosen."""

import pytest

from activities.models import Activity
from exchange.exporting.sources import fields_for
from tests.exchange.exporting.exports import ask, finish, made, rows_of, turn
from tests.factories import make_activity, make_activity_type, make_contact, make_rule

pytestmark = pytest.mark.django_db


def copies_of(activity, count):
    values = {one.attname: getattr(activity, one.attname) for one in Activity._meta.fields}
    del values["id"]
    return [Activity(**values) for _ in range(count)]


def test_a_property_stays_a_column_when_newer_activities_have_none(marketer, small_portions):
    """What is offered are the properties of the latest thousand."""
    contact = make_contact()
    for amount in range(4):
        make_activity(contact, properties={"amount": amount})
    export = ask(marketer, "property:amount", model=Activity)
    turn(export)
    assert export.found == 2
    newer = [make_activity(contact) for _ in range(2)]
    Activity.objects.bulk_create(copies_of(newer[0], 1_000))
    assert "property:amount" not in [one.name for one in fields_for(Activity, marketer, "")]

    assert rows_of(finish(export)) == [["property:amount"], *([str(one)] for one in range(4))]


def test_a_property_without_a_rule_is_no_column_for_who_may_not_see_contacts(user_with):
    developer, type_ = user_with("developer"), make_activity_type("quote")
    rule = make_rule(type_, "address.city")
    make_activity(type=type_, properties={"address": "Wien", "amount": 1})
    named = ask(developer, "guid", "property:amount", model=Activity)

    ruled = made(developer, "property:address", model=Activity, form="ndjson")

    assert [list(row) for row in rows_of(ruled)] == [["property:address"]]
    assert [one["name"] for one in named.columns] == ["guid"]
    other = ask(developer, "property:address", model=Activity)
    rule.delete()
    assert finish(other).reason.startswith("There is no column “property:address” any more")
