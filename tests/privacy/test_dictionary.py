import csv
import io
import json

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from activities.models import ActivityTypeUse
from adminsite.formatting import change_url, changelist_url
from adminsite.roles import give_roles
from destinations.models import Destination
from jobs.models import Chore
from privacy.generated import looking
from privacy.generated.dictionary import lines
from privacy.generated.looking import is_name, look_at, look_at_types
from privacy.models import DictionaryEntry
from tests.automations.mails import make_template
from tests.factories import (
    make_activity,
    make_activity_type,
    make_channel,
    make_contact,
    make_group,
    make_rule,
)
from tests.privacy.old import ago, make_old

pytestmark = pytest.mark.django_db

LIST = "admin:privacy_dictionaryentry_changelist"


@pytest.fixture
def loan():
    return make_activity_type(name="Loan", goal=True)


def entry(activity_type, name="", part=None):
    part = part or ("property" if name else "type")
    return DictionaryEntry.objects.get(activity_type=activity_type, part=part, name=name)


def names(activity_type):
    found = DictionaryEntry.objects.filter(activity_type=activity_type, part="property")
    return set(found.values_list("name", flat=True))


def asks_for(name, activity="custom_loan_calculator"):
    asked = [{"name": name, "operator": "equals", "value": "x"}]
    leaf = {"type": "activity", "activities": [activity], "properties": asked}
    return {"match": "all", "conditions": [leaf]}


def test_a_look_says_how_much_is_filled_since_when_and_by_whom(loan):
    app, shop = make_channel(name="App"), make_channel(name="Shop")
    first = make_old(loan, 2, days=9, channel=app, properties={"amount": 5, "note": ""}, value="")
    make_old(loan, 1, days=5, channel=shop, properties={"amount": "6", "plan": None})
    last = make_old(loan, 1, days=2, channel=shop, properties=None, url="")

    look_at(loan, 4)

    found = entry(loan)
    assert (found.looked_at, found.filled, found.counted) == (4, 4, 4)
    assert (found.first_seen, found.last_seen) == (first[0].occurred_at, last[0].occurred_at)
    assert found.channels == sorted((app.pk, shop.pk))
    amount = entry(loan, "amount")
    assert (amount.looked_at, amount.filled, amount.values) == (4, 3, ["number", "string"])
    assert amount.first_seen == first[0].occurred_at
    # What is empty is not there.
    assert names(loan) == {"amount"}
    value, url = entry(loan, "value", "field"), entry(loan, "url", "field")
    assert (value.filled, value.first_seen) == (2, ago_of(value))
    assert (url.filled, url.last_seen < last[0].occurred_at) == (3, True)


def ago_of(found):
    return found.first_seen


def test_a_name_that_one_contact_alone_has_sent_is_not_kept(loan):
    contact = make_contact()
    make_old(loan, 3, days=2, contact=contact, properties={"anna-s-secret": 1, "amount": 1})
    make_old(loan, 1, days=1, properties={"amount": 1})

    look_at(loan, 4)

    assert names(loan) == {"amount"}
    assert entry(loan).left_out == 1


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("amount", True),
        ("Größe", True),
        ("user id", True),
        ("items.0", True),
        ("anna@example.com", False),
        ("0664123456", False),
        ("9f1c2d3e-aaaa-bbbb-cccc-123456789012", False),
        ("a" * 101, False),
        ("", False),
        ("line\nbreak", False),
    ],
)
def test_a_name_that_looks_like_data_is_none(name, is_one):
    assert is_name(name) is is_one


def test_rules_name_properties_that_were_never_seen(loan):
    make_rule(loan, "items.price", is_personal=True)

    look_at(loan, 0)

    found = entry(loan, "items.price")
    assert (found.looked_at, found.filled, found.first_seen) == (0, 0, None)


def test_a_later_look_keeps_when_it_was_first_seen(loan):
    old = make_old(loan, 2, days=20, properties={"plan": "a"})
    look_at(loan, 2)
    loan.activities.all().delete()
    make_old(loan, 2, days=1, properties={"amount": 1})

    look_at(loan, 2)

    plan = entry(loan, "plan")
    assert (plan.first_seen, plan.filled, plan.looked_at) == (old[0].occurred_at, 0, 2)
    assert entry(loan).first_seen == old[0].occurred_at


def test_the_first_look_at_a_long_log_sees_its_beginning(loan, monkeypatch):
    monkeypatch.setattr(looking, "LOOKED_AT", 2)
    oldest = make_old(loan, 2, days=90, properties={"gone": 1})
    make_old(loan, 2, days=50, properties={"between": 1})
    make_old(loan, 2, days=1, properties={"now": 1})

    look_at(loan, 6)

    gone = entry(loan, "gone")
    assert (gone.first_seen, gone.filled, gone.looked_at) == (oldest[0].occurred_at, 0, 2)
    assert entry(loan).first_seen == oldest[0].occurred_at
    assert names(loan) == {"gone", "now"}


def test_only_types_of_which_something_came_or_went_are_looked_at(loan, monkeypatch):
    ActivityTypeUse.objects.create(type=loan, count=3)
    looked: list[str] = []
    real = looking.look_at

    def look(activity_type, count):
        looked.append(activity_type.code_name)
        real(activity_type, count)

    monkeypatch.setattr(looking, "look_at", look)
    look_at_types()
    assert loan.code_name in looked
    looked.clear()

    look_at_types()
    assert looked == []
    ActivityTypeUse.objects.update(count=2)
    look_at_types()
    assert looked == [loan.code_name]


def test_lines_say_what_is_personal_and_who_asks_for_it(loan, admin_user):
    make_old(
        loan, 2, days=2, properties={"Plan": "a", "income": 5}, channel=make_channel(name="App")
    )
    make_rule(loan, "income", kind="number", is_personal=True)
    make_group("asks", static=False, rule=asks_for("plan"))
    Destination.objects.create(
        name="CRM", code_name="crm", enabled=True, activities=[loan.code_name.upper()]
    )
    make_template(name="Letter", subject="%EVENT: custom_loan_calculator%")
    look_at(loan, 2)
    entries = DictionaryEntry.objects.filter(activity_type=loan).select_related("activity_type")

    found = {(line.what, line.name): line for line in lines(list(entries), admin_user)}

    of_type = found["Activity type", ""]
    assert (of_type.personal, of_type.senders) == ("yes", ["App"])
    assert set(of_type.used_in) == {
        "Contact group: Asks",
        "Destination: CRM",
        "Email template: Letter",
    }
    plan, income = found["Property", "Plan"], found["Property", "income"]
    assert (plan.personal, plan.kind, plan.used_in) == ("no", "string", ["Contact group: Asks"])
    assert (income.personal, income.kind, income.used_in) == ("yes", "Number", [])
    assert (income.share, income.looked_at) == (100.0, 2)
    assert found["Field", "url"].personal == "may be"


def test_automations_say_which_properties_they_ask_for(loan, admin_user):
    from automations.models import Automation  # noqa: PLC0415

    trigger = {
        "type": "activity",
        "activities": [loan.code_name],
        "properties": [{"name": "plan", "operator": "equals", "value": "x"}],
    }
    steps = [{"type": "wait", "key": "a", "rule": asks_for("amount")}]
    Automation.objects.create(name="A", code_name="a", trigger=trigger, steps=steps)
    make_old(loan, 2, days=2, properties={"plan": "x", "amount": 1, "other": 1})
    look_at(loan, 2)
    entries = DictionaryEntry.objects.filter(activity_type=loan).select_related("activity_type")

    used = {line.name: line.used_in for line in lines(list(entries), admin_user) if line.used_in}

    assert used == {"": ["Automation: A"], "plan": ["Automation: A"], "amount": ["Automation: A"]}


@pytest.mark.parametrize("role", ["dpo", "developer", "marketer", "operator"])
def test_the_dictionary_is_for_every_role_and_names_nobody(client, loan, role):
    user = User.objects.create(username="u", is_staff=True)
    give_roles(user, [role])
    client.force_login(user)
    contact = make_contact(email="anna@example.com")
    make_old(loan, 1, days=1, contact=contact, properties={"amount": "anna-secret"})
    make_activity(type=loan, properties={"amount": 1})
    look_at(loan, 2)

    html = client.get(reverse(LIST)).text
    page = client.get(change_url(entry(loan, "amount"))).text
    files = [client.get(reverse(LIST) + f"download/?format={one}").text for one in ("csv", "json")]

    for text in (html, page, *files):
        assert "amount" in text
        assert "anna" not in text


def test_the_dictionary_is_searched_and_narrowed(admin_client, loan):
    make_old(loan, 2, days=1, properties={"amount": 1})
    look_at(loan, 2)
    look_at(make_activity_type("other", name="Other"), 0)

    found = admin_client.get(reverse(LIST), {"q": "AMOUNT"}).context["cl"].result_list
    assert [one.name for one in found] == ["amount"]
    found = admin_client.get(reverse(LIST), {"q": "other"}).context["cl"].result_list
    assert {one.activity_type.name for one in found} == {"Other"}
    found = admin_client.get(reverse(LIST), {"part__exact": "type"}).context["cl"].result_list
    assert [one.activity_type.name for one in found] == ["Loan", "Other"]


def test_downloads_have_every_line_and_no_formula(admin_client, loan):
    make_old(loan, 2, days=1, properties={"=cmd()": 1})
    look_at(loan, 2)
    address = reverse("admin:privacy_dictionaryentry_download")

    answer = admin_client.get(address)
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    parsed = json.loads(admin_client.get(address, {"format": "json"}).content)

    assert answer.headers["Content-Disposition"] == (
        f'attachment; filename="data-dictionary-{timezone.localdate():%Y-%m-%d}.csv"'
    )
    assert [row["name"] for row in rows if row["what"] == "Property"] == ["'=cmd()"]
    assert [row["name"] for row in parsed if row["what"] == "Property"] == ["=cmd()"]
    assert len(rows) == len(parsed) == DictionaryEntry.objects.count()
    assert admin_client.get(address, {"format": "exe"}).status_code == 404


def test_a_download_takes_a_constant_number_of_queries(
    admin_client, loan, django_assert_num_queries
):
    address = reverse("admin:privacy_dictionaryentry_download")
    for number in range(3):
        look_at(make_activity_type(f"type-{number}"), 0)
        admin_client.get(address)
        with django_assert_num_queries(DOWNLOAD_QUERIES):
            admin_client.get(address)


DOWNLOAD_QUERIES = 10


def test_a_user_has_it_looked_at_now(admin_client):
    Chore.objects.create(name="look at activity types", due_at=ago(-1))

    page = admin_client.post(reverse("admin:privacy_dictionaryentry_look"), follow=True)

    assert "A worker looks at the activities." in page.text
    assert Chore.objects.get().due_at <= timezone.now()
    assert "Look now" in admin_client.get(changelist_url(DictionaryEntry)).text
