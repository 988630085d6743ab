"""The page of an activity type for developers: its use, its code, a test, and what needs it."""

import json
import re
import shlex
from datetime import timedelta
from html import unescape

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from activities.admin.uses import uses_of
from activities.models import Activity, ActivityCount, ActivityType, RejectedActivity
from automations.models import Automation, Template
from channels.models import ApiKey
from contacts.models import Contact
from destinations.models import Destination
from groups.models import ContactGroup
from tests.admin.history import NASTY
from tests.admin.sites import make_site, make_website
from tests.factories import (
    make_activity,
    make_activity_type,
    make_channel,
    make_consent,
    make_contact,
    make_group,
)

pytestmark = pytest.mark.django_db


def page_url(activity_type):
    return reverse("admin:activities_activitytype_developers", args=[activity_type.pk])


def test_url(activity_type):
    return reverse("admin:activities_activitytype_test", args=[activity_type.pk])


test_url.__test__ = False


def send(client, activity_type, channel, **fields):
    return client.post(test_url(activity_type), {"channel": channel.pk, **fields})


def codes_on(page):
    return [unescape(code) for code in re.findall(r'data-copy="([^"]*)"', page.text)]


def rule_about(code_name):
    leaf = {"type": "activity", "activities": [code_name]}
    inner = {"match": "any", "conditions": [leaf]}
    return {"match": "all", "conditions": [inner]}


def test_senders_are_counted_with_their_sites(admin_client):
    loan = make_activity_type()
    app, website = make_channel(name="Bank app"), make_website(name="Bank site")
    site = make_site(website, name="Loan shop")
    for _ in range(3):
        make_activity(channel=app, type=loan)
    make_activity(channel=website, type=loan, tracked_site=site)
    make_activity(channel=make_channel(name="Other app"))

    context = admin_client.get(page_url(loan)).context

    assert [(one.channel.name, one.site, one.count) for one in context["senders"]] == [
        ("Bank app", "", 3),
        ("Bank site", "Loan shop", 1),
    ]
    assert context["channel"] == app


def test_days_are_counted_by_rows_and_what_was_not_read_yet(admin_client):
    loan = make_activity_type()
    now = timezone.now()
    quarter = (now - timedelta(days=3)).replace(minute=0, second=0, microsecond=0)
    ActivityCount.objects.create(type=loan, quarter=quarter, count=40)
    make_activity(type=loan, occurred_at=now)

    bars = admin_client.get(page_url(loan)).context["bars"]

    assert [(bar.day, bar.count) for bar in bars if bar.count] == [
        (timezone.localtime(quarter).date(), 40),
        (timezone.localtime(now).date(), 1),
    ]
    assert len(bars) == 30


def test_a_type_that_nobody_sends_says_so(admin_client):
    make_channel()

    html = admin_client.get(page_url(make_activity_type())).text

    assert "Nobody has sent it yet." in html
    assert "No contact group, automation, template or destination" in html
    assert "Never" in html


def test_the_curl_line_of_the_page_is_one_that_the_door_takes(admin_client, client):
    channel = make_channel()
    make_activity_type('custom_it\'s "odd"')
    kind = ActivityType.objects.get(code_name__startswith="custom_it")

    (line,) = [one for one in codes_on(admin_client.get(page_url(kind))) if "curl" in one]

    words = shlex.split(line.replace("\\\n", " ").replace("'$CONTACT'", "'CONTACT'"))
    body = json.loads(words[-1])
    assert words[1] == "http://testserver/Kentico.Tracking/activities"
    assert body["channel"] == str(channel.guid)
    assert body["activities"] == [{"type": kind.code_name, "value": "1"}]
    assert body["contact"] == "CONTACT"


def test_the_python_line_of_the_page_can_be_read(admin_client):
    make_channel()

    for code in codes_on(admin_client.get(page_url(make_activity_type("a'b\"c")))):
        if code.startswith("requests"):
            compile(code, "example", "eval")
            break
    else:
        raise AssertionError("There is no line in Python.")


def test_a_website_has_lines_for_its_pages_and_for_django(admin_client):
    website = make_website()
    loan = make_activity_type()

    page = admin_client.get(page_url(loan), {"channel": website.pk})

    assert "kxt('customactivity', { type: 'custom_loan_calculator', value: '1' });" in (
        codes_on(page)
    )
    assert "log_custom_activity(request, 'custom_loan_calculator', value=\"1\")" in codes_on(page)
    headless = admin_client.get(page_url(loan), {"channel": make_channel().pk})
    assert not [code for code in codes_on(headless) if "kxt" in code]


@pytest.mark.parametrize(
    ("code_name", "call"),
    [("pagevisit", "kxt('pagevisit');"), ("click", "kxt('click', { label:")],
)
def test_system_types_have_calls_of_their_own(admin_client, code_name, call):
    make_website()

    codes = codes_on(admin_client.get(page_url(ActivityType.objects.get(code_name=code_name))))

    assert [code for code in codes if code.startswith(call)]


def test_landing_pages_are_sent_by_nobody(admin_client):
    make_channel()
    page = admin_client.get(page_url(ActivityType.objects.get(code_name="landingpage")))

    assert "the hub records it by itself" in page.text
    assert "Send a test" not in page.text


@pytest.mark.parametrize("given", ["x", "999999", "", "9" * 500])
def test_a_channel_that_is_not_there_is_no_fault(admin_client, given):
    make_channel()

    assert admin_client.get(page_url(make_activity_type()), {"channel": given}).status_code == 200


def test_everything_that_names_a_type_says_what_becomes_of_it(admin_client, admin_user):
    loan = make_activity_type(goal=True, whitelisted=True)
    name = "Custom_Loan_CALCULATOR"
    make_group("rule", static=False, rule=rule_about(name))
    make_group("off", static=False, enabled=False, rule=rule_about(name))
    make_group("another", static=False, rule=rule_about("other"))
    Automation.objects.create(
        name="Entered by it",
        code_name="entered",
        enabled=True,
        trigger={"type": "activity", "activities": [name]},
    )
    Automation.objects.create(
        name="Logs it",
        code_name="logs",
        enabled=True,
        steps=[
            {
                "type": "if",
                "key": "a",
                "rule": {"match": "all", "conditions": []},
                "then": [{"type": "log_activity", "key": "b", "activity": name}],
                "else": [],
            }
        ],
    )
    Automation.objects.create(name="Archived", code_name="gone", archived_at=timezone.now())
    Template.objects.create(
        name="Letter",
        code_name="letter",
        subject="Hello",
        blocks=[{"type": "button", "label": "x", "url": f"%EVENT: {name}%"}],
    )
    Destination.objects.create(name="Gets it", code_name="d1", enabled=True, activities=[name])
    Destination.objects.create(
        name="Rule of it", code_name="d2", enabled=True, rule=rule_about(name)
    )

    uses = {(one.kind, one.name): one.effect for one in uses_of(loan, admin_user)}

    assert set(uses) == {
        ("Contact group", "Rule"),
        ("Contact group", "Off"),
        ("Automation", "Entered by it"),
        ("Automation", "Logs it"),
        ("Email template", "Letter"),
        ("Destination", "Gets it"),
        ("Destination", "Rule of it"),
    }
    assert uses["Contact group", "Off"] == "Is switched off."
    assert uses["Automation", "Entered by it"] == "Nobody enters by this type any more."
    html = admin_client.get(page_url(loan)).text
    assert "Automations count no new contacts who come to it." in html
    assert "Stays in the list of event names" in html


def test_what_cannot_be_read_any_more_names_nothing(admin_client):
    loan = make_activity_type()
    gone = {"match": "all", "conditions": [{"type": "gone"}]}
    make_group("g", static=False, rule=gone)
    Automation.objects.create(name="A", code_name="a", trigger={"type": "gone"})
    Automation.objects.create(
        name="B", code_name="b", steps=[{"type": "wait", "key": "a", "rule": gone}]
    )
    Destination.objects.create(name="D", code_name="d", rule=gone)

    assert admin_client.get(page_url(loan)).context["uses"] == []


def test_uses_are_told_to_users_who_may_see_them(client, django_user_model):
    loan = make_activity_type()
    make_group("rule", static=False, rule=rule_about(loan.code_name), name="Secret group")
    user = django_user_model.objects.create(username="dev", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_activitytype"))
    client.force_login(user)

    page = client.get(page_url(loan))

    assert page.status_code == 200
    assert "Secret group" not in page.text
    assert "Send a test" not in page.text
    assert send(client, loan, make_channel()).status_code == 403


def test_the_page_is_for_users_who_may_see_types(client, django_user_model):
    client.force_login(django_user_model.objects.create(username="x", is_staff=True))

    assert client.get(page_url(make_activity_type())).status_code == 403


def test_a_test_goes_through_the_door_and_the_page_shows_its_answer(admin_client):
    loan, channel = make_activity_type(), make_channel()

    page = send(admin_client, loan, channel)

    activity = Activity.objects.get()
    line = RejectedActivity.objects.get()
    assert (activity.type, activity.channel) == (loan, channel)
    assert "answered 207" in page.text
    assert "202" in page.text
    assert str(activity.request_id) in page.text
    assert (line.status, line.test_code) == ("valid", "sent-by-the-admin")
    assert line.request_id == activity.request_id
    assert not ApiKey.objects.exists()
    assert str(activity.contact.guid) in unescape(page.text)


def test_a_test_is_about_a_contact_that_was_chosen(admin_client):
    ada = make_contact(email="ada@example.com")

    send(admin_client, make_activity_type(), make_channel(), contact=str(ada.guid).upper())

    assert Activity.objects.get().contact == ada
    assert Contact.objects.count() == 1


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("x", "This is no GUID."),
        ("0b5b5f0e-52a0-4d58-9f43-5f3b1d2d4c11", "There is no contact with this GUID."),
        ("\0", "This is no GUID."),
    ],
)
def test_a_test_about_nobody_is_not_sent(admin_client, given, said):
    page = send(admin_client, make_activity_type(), make_channel(), contact=given)

    assert said in page.text
    assert not Activity.objects.exists()
    assert not Contact.objects.exists()


def test_what_the_door_refuses_is_shown(admin_client):
    off = make_activity_type(enabled=False)
    strict = make_channel(tracking_consent=make_consent(), enforce_consent=True)

    assert "disabled_type" in send(admin_client, off, make_channel()).text
    assert "has not agreed" in unescape(send(admin_client, make_activity_type("b"), strict).text)
    assert not Activity.objects.exists()
    assert not ApiKey.objects.exists()


def test_a_test_over_no_channel_is_not_found(admin_client):
    response = admin_client.post(test_url(make_activity_type()), {"channel": "9999"})

    assert response.status_code == 404
    assert admin_client.get(test_url(make_activity_type("b"))).status_code == 405


def test_names_are_escaped(admin_client):
    channel = make_channel(name=NASTY)
    kind = make_activity_type("nasty", name=NASTY)
    make_group("g", static=False, name=NASTY, rule=rule_about("nasty"))
    make_activity(channel=channel, type=kind)

    for html in (admin_client.get(page_url(kind)).text, send(admin_client, kind, channel).text):
        assert NASTY not in html


def test_the_page_costs_the_same_whatever_names_the_type(admin_client, django_assert_num_queries):
    loan = make_activity_type()

    def add(number):
        for _n in range(number):
            make_group(
                f"g{ContactGroup.objects.count()}", static=False, rule=rule_about(loan.code_name)
            )
            make_activity(type=loan)
            code_name = f"d{Destination.objects.count()}"
            Destination.objects.create(name="D", code_name=code_name, activities=[loan.code_name])

    add(1)
    admin_client.get(page_url(loan))
    with CaptureQueriesContext(connection) as one:
        admin_client.get(page_url(loan))
    add(2)

    with django_assert_num_queries(len(one)):
        admin_client.get(page_url(loan))
