"""Whoever is erased is nowhere any more: every table, every column and every file is searched.

The person is planted by the doors and forms of the hub, in every text that these take.
"""

import json

import pytest
from django.contrib.admin.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from activities.erasing import erase_contact
from activities.models import RejectedActivity
from activities.replaying import cause_of, request_replay
from adminsite.formatting import change_url, changelist_url
from automations.models import OutboxMessage, Passage, Suppression
from contacts.annotating import get_or_create_tag, tag_contacts
from contacts.merging import request_merge
from contacts.models import Contact, ContactMerge
from contacts.undoing import undo_merge
from crosssite.models import BrowserHits, TrackedSite
from destinations.kinds.files import finish_files
from destinations.models import Delivery
from destinations.noting import Tried, note
from destinations.outcomes import Outcome, Result
from exchange.importing.acting import start_check, work_through
from exchange.models import Import, RememberedMapping
from figures.models import Count
from jobs.models import BulkAction, Chore
from privacy.models import PersonRequest
from privacy.requests.answering import confirm_identity, refuse, write_note
from privacy.requests.due import today
from readers.models import ReaderState
from tests.automations.entries import make_automation
from tests.automations.mails import add_event, make_email
from tests.crosssite.browsers import MAIN, SHOP, Browser
from tests.destinations import formats
from tests.exchange.exporting.exports import made
from tests.factories import make_channel, make_consent, make_contact, make_group
from tests.privacy.asked import ask
from tests.privacy.places import columns_with, lines_with, tables_of
from tests.wire.activecampaign import Account
from tests.wire.activecampaign_api import ApiClient
from tests.wire.app import App
from tests.wire.source import EventSource, event
from tests.work import do_data_inputs, do_merges

pytestmark = pytest.mark.django_db

# In the email, the names, the ids and the texts of one person, and nowhere else.
MARK = "zq7markedperson"
EMAIL = f"{MARK}@example.com"
FIELDS = {
    "ContactEmail": EMAIL,
    "ContactFirstName": f"Ann {MARK}",
    "ContactMiddleName": MARK,
    "ContactLastName": f"Archer {MARK}",
    "ContactBirthday": "1990-05-04",
    "ContactCompanyName": MARK,
    "ContactJobTitle": MARK,
    "ContactAddress1": f"{MARK} Street 1",
    "ContactCity": MARK,
    "ContactZIP": MARK,
    "ContactNotes": f"Likes {MARK}",
}


@pytest.fixture
def data_dir(tmp_path, settings):
    settings.DATA_DIR = tmp_path
    return tmp_path


def activity(type="click", **members):
    """One with the mark in every text that an activity has."""
    url = f"https://www.example.com/{MARK}?email={EMAIL}"
    return {
        "type": type,
        "title": MARK,
        "value": MARK,
        "url": url,
        "referrer": url,
        "properties": {MARK: [MARK]},
        **members,
    }


def plant_by_apps(consent):
    """The person, as an application and a server report them."""
    app = App()
    key = {"Idempotency-Key": MARK}
    guid = app.post("/contacts", headers=key).json()["contact"]
    app.log(activity(), activity("pagevisit"), contact=guid)
    app.log_data_input(FIELDS, contact=guid)
    app.post(f"/contacts/{guid}/consents/{consent.code_name}", {"isAgreed": True})
    # What is refused, whole and in part.
    app.log(activity(f"{EMAIL} unknown"), contact=guid)
    app.post("/activities", b'{"contact": "%s", "%s": ' % (guid.encode(), MARK.encode()))
    app.post("/activities", app.message(activity(), contact=guid) | {"channel": guid})
    return guid


def plant_by_events(consent):
    """The same by events that name the person in other ways."""
    source = EventSource()
    user = {"id": f"user-{MARK}", "email": EMAIL, "consistent_anonymous_id": f"browser-{MARK}"}
    source.post(event(f"purchase {EMAIL}", user=user, context={"page": {"title": MARK}}, id=MARK))
    source.post(event(user={"consistent_anonymous_id": f"phone-{MARK}", "id": f"user-{MARK}"}))
    source.post(b'{"event_name": "broken", "user": {"email": "%s"' % EMAIL.encode())
    source.post({"event_name": [EMAIL], "user": user})
    account = Account(source.channel)
    visit = json.dumps({"email": EMAIL})
    account.post(account.form(event=f"asked {EMAIL}", eventdata=MARK, visit=visit))
    account.post(account.form(event="asked", key="wrong", visit=visit))
    api = ApiClient()
    fields = {"email": EMAIL, "firstName": f"Ann {MARK}", "lastName": f"Archer {MARK}"}
    api.post("/contact/sync", {"contact": {**fields, "phone": "0123"}})
    do_data_inputs()


def plant_by_browser(guid):
    """The same by a visitor of a website, who gives the email there."""
    channel = make_channel(kind="website", domain=MAIN.partition("://")[2])
    TrackedSite.objects.create(name="Shop", code_name="shop", url=SHOP, channel=channel)
    browser = Browser()
    browser.send("Log", {"activities": [activity()], "page": f"{SHOP}/{MARK}"})
    form = {"type": "datainput", "value": MARK, "contactFields": {"ContactEmail": EMAIL}}
    browser.log(form)
    browser.log(activity(f"{MARK}_unknown"))
    browser.send_raw("Log", json.dumps({"activities": EMAIL}))
    do_data_inputs()
    do_merges()


def plant_by_others(guid, channel_of):
    """What others say of the person, and what the person sent for others."""
    sender, person = make_contact(email="bob@example.com"), Contact.objects.get(email=EMAIL)
    form = {"type": "datainput", "value": "Form", "contactFields": {"ContactEmail": EMAIL}}
    channel_of.log(form, contact=sender.guid)
    of_another = {"ContactEmail": "carl@example.com"}
    texts = {"value": guid, "url": f"https://www.example.com/?who={guid}"}
    channel_of.log({**form, **texts, "contactFields": of_another}, contact=person.guid)
    do_data_inputs()
    # Two who were one for a while.
    other = make_contact(first_name="Dora")
    merge = request_merge(survivor=other, loser=person, reason=ContactMerge.Reason.MARKETER)
    do_merges()
    undo_merge(merge.pk)
    third = make_contact(first_name=f"Eva {MARK}")
    request_merge(survivor=person, loser=third, reason=ContactMerge.Reason.MARKETER)
    do_merges()
    return person


def plant_by_users(client, user, person):
    """What users of the admin write and do."""
    fields = {"email": EMAIL, "first_name": f"Ann {MARK}", "last_name": f"Archer {MARK}"}
    client.post(change_url(person), {**fields, "notes": MARK, "city": MARK})
    client.post(reverse("admin:contacts_contact_note", args=[person.pk]), {"text": MARK})
    tag_contacts([person.pk], get_or_create_tag("VIP"), by=user)
    query = f"q={EMAIL.replace('@', '%40')}"
    client.post(f"{changelist_url(Contact)}views/save/", {"name": EMAIL, "query": query})
    LogEntry.objects.create(
        user=user, action_flag=2, object_repr=EMAIL, change_message=f"Changed {EMAIL}."
    )
    BulkAction.objects.create(
        kind="add_tag",
        list_of="contacts.contact",
        query=query,
        filters=f"Search: {EMAIL}",
        options={"tag": EMAIL},
        says=f"Add {EMAIL}",
        failures=[["1", f"{EMAIL} could not."]],
        reason=f"No {EMAIL}.",
        last_error=EMAIL,
        by=user,
        end=0,
    )
    for model in (Chore, ReaderState):
        model.objects.create(name="planted", last_error=f"ValueError: {EMAIL}")
    make_group(members=[person])


def plant_in_emails(person):
    """What automations have done with the person."""
    automation = make_automation()
    run = automation.versions.get().run_set.create(
        automation=automation,
        contact=person,
        entered_as=person.pk,
        cause="api",
        event_name=MARK,
        event_data=MARK,
        reason=MARK,
    )
    Passage.objects.create(run=run, automation=automation, step="1", detail=MARK)
    email = make_email(person, run=run, subject=MARK, html=MARK, text=MARK)
    add_event(email, "clicked", detail=f"https://www.example.com/{MARK}")
    for contact in (person, None):
        OutboxMessage.objects.create(
            contact=contact, recipients=EMAIL, sender="x", subject=MARK, raw=MARK.encode()
        )
    Suppression.objects.create(email_key=EMAIL, reason="user", detail=EMAIL)


def plant_in_destinations(person):
    """What has left for a file of a destination."""
    destination = formats.make_destination("file", code_name="crm", enabled=True)
    contact = {"guid": str(person.guid), "email": EMAIL}
    message = formats.make_message(contact=contact, title=MARK)
    delivery = formats.make_delivery(destination, message)
    formats.deliver(destination, delivery)
    Delivery.objects.create(
        destination=destination,
        contact=person,
        kind="activity",
        source="activity:1",
        payload={"contact": contact},
        status="failed",
        answer=MARK,
        reason=MARK,
        last_error=MARK,
        attempted_at=timezone.now(),
        occurred_at=timezone.now(),
    )
    return destination


def plant_in_requests(person, user):
    """What users wrote about what the person has asked for, and another person."""
    request = ask("access", person, by=user, notes=MARK)
    confirm_identity(request.pk, "other", MARK, by=user)
    write_note(request.pk, f"{MARK} called.", by=user)
    refuse(request.pk, "excessive", MARK, by=user)
    ask("access", make_contact(), by=user, notes=f"Wrote together with {EMAIL}.")
    # One that came before the hub knew the email.
    PersonRequest.objects.create(kind="erasure", way="email", email=EMAIL, received_on=today())


def plant_in_counts():
    """What readers have counted by an address, and a replay of what an app called a type."""
    line = RejectedActivity.objects.filter(code="unknown_type", named__contains=MARK).first()
    request_replay(cause_of(line), None)
    Count.objects.create(kind="page", at=timezone.now(), key=f"example.com/{EMAIL}", count=2)
    channel = make_channel()
    BrowserHits.objects.create(
        channel=channel, origin=SHOP, outcome="recorded", hour=timezone.now(), last_path=f"/{EMAIL}"
    )


def plant_in_files(client, user):
    """Files that came in and went out: rows that wait, examples of what is wrong, a filter."""
    table = f"{EMAIL},{MARK},{MARK},{MARK}\n{EMAIL},,{MARK},\n"
    file = SimpleUploadedFile(f"{EMAIL}.csv", table.encode())
    client.post(reverse("admin:exchange_import_upload"), {"kind": "contacts", "file": file})
    import_ = Import.objects.get()
    targets = ("email", "country", "city", "notes")
    RememberedMapping.remember("contacts", [EMAIL], {EMAIL: "email"}, by=user)
    start_check(import_, {f"Column {place}": one for place, one in enumerate(targets, start=1)})
    work_through(import_)
    assert import_.counts["reject"] == 1
    made(user, "email", "notes", query=f"q={EMAIL.replace('@', '%40')}")
    made(user, "email", form="xlsx")


def test_nothing_is_left_of_who_was_planted_everywhere(
    admin_client, admin_user, data_dir, django_capture_on_commit_callbacks
):
    consent = make_consent()
    guid = plant_by_apps(consent)
    plant_by_events(consent)
    plant_by_browser(guid)
    person = plant_by_others(guid, App())
    plant_by_users(admin_client, admin_user, person)
    plant_in_emails(person)
    destination = plant_in_destinations(person)
    plant_in_requests(person, admin_user)
    plant_in_counts()
    plant_in_files(admin_client, admin_user)
    guids = list(Contact.objects.filter(merged_into=person).values_list("guid", flat=True))
    words = [MARK, *(str(one) for one in [*guids, person.guid, guid])]
    words += [word.replace("-", "") for word in words[1:]]
    planted = columns_with(*words)
    assert len(tables_of(planted)) >= 32, sorted(tables_of(planted))
    assert len(planted) >= 70
    assert lines_with(data_dir, *words)

    with django_capture_on_commit_callbacks(execute=True):
        erased = erase_contact(person.pk, reason="request", by=admin_user)

    assert columns_with(MARK) == set()
    # What asks destinations to delete the person has to say whom, until it is delivered.
    assert columns_with(*words) == {"destinations_delivery.payload"}
    requests = Delivery.objects.filter(kind="erasure", status="waiting").order_by("pk")
    formats.deliver(destination, *requests)
    tried = [Tried(one.pk, one.attempts, Outcome(Result.DELIVERED)) for one in requests]
    note(tried, timezone.now())
    finish_files()
    assert columns_with(*words) == set()
    assert {line["type"] for line in map(json.loads, lines_with(data_dir, *words))} == {"erasure"}
    assert lines_with(data_dir, MARK) == []
    assert not Contact.objects.filter(pk__in=erased.contact_ids).exists()
