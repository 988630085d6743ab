"""Broadcasts in the admin: the form, and the page that shows how far one is."""

import json
import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from adminsite.formatting import change_url
from automations.looked_at import look_at
from automations.models import Automation, Broadcast
from tests.admin.pages import form_on
from tests.automations.drawing import make_automation, make_run
from tests.automations.mails import make_template
from tests.factories import make_consent, make_contact, make_group

pytestmark = pytest.mark.django_db

LIST_URL = "/admin/automations/broadcast/"
ADD_URL = f"{LIST_URL}add/"
FROM_AUSTRIA = {"match": "all", "conditions": [{"type": "country", "values": ["AUT"]}]}


def posted(given, **fields):
    at = timezone.localtime()
    return {
        "automation": given.pk,
        "who": "group",
        "group": "",
        "rule": json.dumps({"match": "all", "conditions": []}),
        "starts_at_0": at.strftime("%Y-%m-%d"),
        "starts_at_1": at.strftime("%H:%M:%S"),
        "per_minute": "",
        **fields,
    }


def make_broadcast(automation=None, **fields):
    return Broadcast.objects.create(
        automation=automation or make_automation(enabled=True),
        **{"rule": FROM_AUSTRIA, "audience": "Austria", "total": 10, **fields},
    )


def test_an_automation_is_started_for_the_members_of_a_group(admin_client, admin_user):
    automation = make_automation(enabled=True)
    group = make_group("vip", members=[make_contact(), make_contact()])

    response = admin_client.post(ADD_URL, posted(automation, group=group.pk, per_minute="100"))

    broadcast = Broadcast.objects.get()
    assert response.url == change_url(broadcast)
    assert broadcast.rule["conditions"] == [{"type": "group", "groups": ["vip"]}]
    assert (broadcast.audience, broadcast.total, broadcast.per_minute) == ("Vip", 2, 100)
    assert broadcast.requested_by == admin_user


def test_an_automation_is_started_for_whom_a_rule_finds(admin_client):
    make_contact(country="AUT")
    automation = make_automation(enabled=True)

    admin_client.post(ADD_URL, posted(automation, who="rule", rule=json.dumps(FROM_AUSTRIA)))

    broadcast = Broadcast.objects.get()
    assert (broadcast.rule, broadcast.total) == (FROM_AUSTRIA, 1)
    assert broadcast.audience == "Every contact who is from Austria."


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"group": ""}, "Choose a group, or let a rule decide."),
        ({"who": "rule", "rule": "x"}, "it cannot be read as JSON"),
        ({"who": "rule", "rule": ""}, "The rule was not sent."),
        ({"who": "nobody"}, "Select a valid choice"),
        ({"per_minute": "0"}, "Give 1 contact a minute or more"),
        ({"starts_at_0": "soon"}, "Enter a valid date"),
        ({"automation": "0"}, "Select a valid choice"),
    ],
)
def test_a_form_that_cannot_be_is_refused_in_a_sentence(admin_client, fields, text):
    automation = make_automation()

    response = admin_client.post(ADD_URL, posted(automation, **fields))

    assert response.status_code == 200
    assert text in response.text
    assert not Broadcast.objects.exists()


def test_an_archived_automation_is_not_offered(admin_client):
    automation = make_automation()
    Automation.objects.update(archived_at=timezone.now())

    response = admin_client.post(ADD_URL, posted(automation, group=make_group().pk))

    assert "Select a valid choice" in response.text


def test_the_list_of_contacts_leads_to_a_broadcast_for_its_filter(admin_client):
    make_automation()
    make_contact(country="AUT")
    contacts = admin_client.get("/admin/contacts/contact/?country=AUT")
    links = {link["title"]: link["url"] for link in contacts.context["links_for_all_found"]}

    form = admin_client.get(links["Start an automation for these contacts"])

    given = form_on(form)
    assert json.loads(given["rule"]) == FROM_AUSTRIA
    assert form.context["adminform"].form["who"].value() == "rule"


def test_what_a_rule_cannot_say_of_the_filter_is_told_before_anybody_is_let_in(admin_client):
    url = f"{ADD_URL}?from=contacts&country=AUT&tag=1"
    automation = make_automation()

    form = admin_client.get(url)
    refused = admin_client.post(url, posted(automation, who="rule", per_minute="0"))

    assert json.loads(form_on(form)["rule"]) == FROM_AUSTRIA
    for page in (form, refused):
        assert page.text.count("The filter “tag” was left out") == 1


@pytest.mark.parametrize("query", ["tag=1", "import=1", "people=new.today", "q={guid}"])
def test_a_filter_that_no_rule_can_say_is_not_everybody(admin_client, query):
    automation = make_automation(enabled=True)
    query = query.format(guid=make_contact().guid)

    form = admin_client.get(f"{ADD_URL}?from=contacts&{query}")
    given = {**posted(automation), "who": form.context["adminform"].form["who"].value()}
    sent = admin_client.post(f"{ADD_URL}?from=contacts&{query}", given)

    for page in (form, sent):
        assert "left out" in page.text
        assert "Nothing is left of the filter" in page.text
    assert "Choose a group, or let a rule decide." in sent.text
    assert not Broadcast.objects.exists()


def test_a_broadcast_shows_how_far_it_is_until_it_is_over(admin_client):
    broadcast = make_broadcast(reached=4, entered=3)
    url = f"{LIST_URL}{broadcast.pk}/progress/"

    going = admin_client.get(url).text
    Broadcast.objects.update(status="done", finished_at=timezone.now())
    done = admin_client.get(url).text

    assert '<progress class="tl-progress mt-3" aria-label="Contacts reached" value="4"' in going
    assert "hx-get" in going
    assert "hx-get" not in done


def test_a_broadcast_of_an_automation_that_is_off_says_that_it_waits(admin_client):
    broadcast = make_broadcast(make_automation())

    assert "It waits until the automation is switched on." in (
        admin_client.get(change_url(broadcast)).text
    )


def test_a_broadcast_is_stopped_once(admin_client):
    broadcast = make_broadcast()
    url = f"{LIST_URL}{broadcast.pk}/do/stop/"

    first = admin_client.post(url, follow=True).text
    second = admin_client.post(url, follow=True).text

    broadcast.refresh_from_db()
    assert broadcast.status == "stopped"
    assert "Nobody else enters by this broadcast." in first
    assert "This broadcast is over." in second


def test_a_broadcast_is_stopped_for_those_inside_too(admin_client):
    broadcast = make_broadcast(entered=1)
    run = make_run(broadcast.automation, broadcast=broadcast)

    assert "do/stop-runs/" in admin_client.get(change_url(broadcast)).text
    page = admin_client.post(f"{LIST_URL}{broadcast.pk}/do/stop-runs/", follow=True).text

    run.refresh_from_db()
    assert run.status == "stopped"
    assert "those who have entered stop where they are" in page


def test_another_user_approves_of_a_broadcast(admin_client, admin_user):
    other = User.objects.create_user("other")
    mine = make_broadcast(status="unapproved", requested_by=admin_user)
    theirs = make_broadcast(mine.automation, status="unapproved", requested_by=other)

    for broadcast in (mine, theirs):
        given = form_on(admin_client.get(change_url(broadcast)))
        admin_client.post(f"{LIST_URL}{broadcast.pk}/do/approve/", given)
        broadcast.refresh_from_db()

    assert mine.status == "unapproved"
    assert (theirs.status, theirs.approved_by) == ("waiting", admin_user)


def test_a_broadcast_that_changed_says_what_to_whoever_looks(admin_client, admin_user):
    automation = make_automation(enabled=True)
    broadcast = make_broadcast(
        automation,
        status="unapproved",
        requested_by=User.objects.create_user("ada"),
        approved_by=User.objects.create_user("ben"),
    )
    Broadcast.objects.update(approved_as={**look_at(broadcast), "version": 7})

    html = admin_client.get(change_url(broadcast)).text
    Broadcast.objects.update(status="waiting")
    waiting = admin_client.get(change_url(broadcast)).text

    assert "ben approved of this broadcast, and it has changed since." in html
    assert "until a user other than ada approves" in html
    assert "<li>The automation is version 1, and was version 7.</li>" in html
    assert "has changed since" not in waiting


def test_a_page_that_is_not_as_it_was_looked_at_approves_of_nothing(admin_client):
    broadcast = make_broadcast(status="unapproved")
    given = form_on(admin_client.get(change_url(broadcast)))
    Broadcast.objects.update(total=1_000)

    page = admin_client.post(f"{LIST_URL}{broadcast.pk}/do/approve/", given, follow=True)

    broadcast.refresh_from_db()
    assert broadcast.status == "unapproved"
    assert "look again" in page.text


def test_a_broadcast_of_a_transactional_email_says_so(admin_client):
    make_template(code_name="brochure", name="The brochure")
    news = make_template(consent=make_consent("newsletter"))
    asking = make_automation("news", steps=[{"type": "email", "template": news.code_name}])
    silent = make_automation(steps=[{"type": "email", "template": "Brochure"}], enabled=True)

    form = admin_client.get(ADD_URL).text
    broadcast = make_broadcast(silent)
    page = admin_client.get(change_url(broadcast)).text
    other = admin_client.get(change_url(make_broadcast(asking))).text

    assert ">Brochure (sends a transactional email)</option>" in form
    assert ">News</option>" in form
    assert "It asks nobody for their agreement:" in page
    assert ">The brochure</a>” is transactional." in page
    assert "It asks nobody" not in other
    Broadcast.objects.update(status="done", finished_at=timezone.now())
    assert (
        "It asks nobody" not in admin_client.get(change_url(Broadcast.objects.earliest("id"))).text
    )


def test_users_who_may_only_look_cannot_stop_or_start(log_in):
    broadcast = make_broadcast()
    client = log_in("view_broadcast")

    assert client.get(LIST_URL).status_code == 200
    assert client.get(change_url(broadcast)).status_code == 200
    assert client.get(ADD_URL).status_code == 403
    assert client.post(f"{LIST_URL}{broadcast.pk}/do/stop/").status_code == 403
    assert client.post(change_url(broadcast), {}).status_code == 403


def test_an_action_that_there_is_not_is_not_found(admin_client):
    broadcast = make_broadcast()

    assert admin_client.post(f"{LIST_URL}{broadcast.pk}/do/dance/").status_code == 404
    assert admin_client.post(f"{LIST_URL}0/do/stop/").status_code == 404


def test_the_form_says_how_many_contacts_a_group_has(admin_client):
    make_group("vip", members=[make_contact(), make_contact()])
    make_group("one", members=[make_contact()])

    html = admin_client.get(ADD_URL).text

    assert ">Vip (2 contacts)</option>" in html
    assert ">One (1 contact)</option>" in html


def test_the_form_starts_and_asks_only_for_what_decides(admin_client, settings):
    settings.AUTOMATION_APPROVAL_FROM = 500

    html = admin_client.get(ADD_URL).text

    assert 'x-show="who == &#x27;rule&#x27;"' in html or "x-show=\"who == 'rule'\"" in html
    buttons = re.findall(r'<button[^>]* name="(_\w+)"[^>]*>(.*?)</button>', html, re.DOTALL)
    assert [(name, text.split()[-1]) for name, text in buttons] == [("_save", "Start")]
    assert "From 500 contacts on, another user approves" in html


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"enabled": False}, "Waits: the automation is off"),
        ({"enabled": True, "paused_at": timezone.now}, "Contacts wait: the automation is paused"),
    ],
    ids=["off", "paused"],
)
def test_a_broadcast_says_that_it_waits_for_its_automation(admin_client, fields, text):
    broadcast = make_broadcast()
    given = {name: value() if callable(value) else value for name, value in fields.items()}
    Automation.objects.update(**given)

    for url in (LIST_URL, change_url(broadcast), change_url(broadcast.automation)):
        assert text in admin_client.get(url).text
    Broadcast.objects.update(status="done", finished_at=timezone.now())
    assert text not in admin_client.get(LIST_URL).text


def test_switching_on_says_which_broadcasts_begin(admin_client):
    automation = make_automation()
    make_broadcast(automation, total=7)
    make_broadcast(automation, total=8, starts_at=timezone.now() + timedelta(days=1))

    html = admin_client.get(f"/admin/automations/automation/{automation.pk}/switch-on/").text

    assert "A broadcast for 7 contacts begins at once: Austria" in html
    assert "8 contacts" not in html
