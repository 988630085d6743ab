"""A person asks to be forgotten, and nothing of them is left."""

import json
import threading
import time
import uuid
from urllib.parse import quote

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.db import connection, transaction

from activities.data_input import apply_data_inputs_of
from activities.drafts import Draft
from activities.erasing import erase_contact
from activities.inspector import keep_refused_request
from activities.models import Activity, ActivityClaim, DataInput, RejectedActivity
from activities.problems import InvalidActivity
from activities.recording import Source, record_activities
from adminsite.formatting import change_url
from channels.models import Channel
from consents.agreements import record_agreement
from consents.models import ConsentAgreement
from contacts.identifying import Identity, identify
from contacts.merging import carry_out_merges, lock_live, request_merge, settle_merges
from contacts.models import Contact, ContactIdentifier, ContactMerge
from contacts.records import lock_records
from contacts.resolving import UnknownContact
from crosssite.models import SiteContact, TrackedSite
from crosssite.visitors import appear_on
from tests.contacts.merged import merge
from tests.factories import make_channel, make_consent, make_contact, make_key
from tests.threads import run_at_once, wait_until_somebody_waits
from tests.work import do_merges
from tracking.contact_creation import create_contact
from tracking.models import ContactCreation

MARKETER = ContactMerge.Reason.MARKETER


def record(contact, channel, **fields):
    draft = Draft(**{"type": "click", "value": "Buy", **fields})
    source = Source(door="test", channel=channel, request_id=uuid.uuid4())
    return record_activities([draft], contact_guid=contact.guid, source=source)


def refuse(payload, contact_guid=""):
    keep_refused_request(
        InvalidActivity("bad", "", "Bad."),
        door="test",
        request_id=uuid.uuid4(),
        payload=payload,
        payload_length=len(payload),
        contact_guid=contact_guid,
    )


@pytest.mark.django_db
def test_everything_that_points_at_a_contact_goes_and_nothing_else():
    key, _ = make_key()
    consent = make_consent()
    website = make_channel(kind="website", domain="main.example")
    site = TrackedSite.objects.create(
        name="Shop", code_name="shop", url="https://shop.example", channel=website
    )
    ann, bob = create_contact(key, "1"), create_contact(key, "2")
    for contact, name in ((ann, "ann"), (bob, "bob")):
        identity = Identity(site_id="1", user_id=f"id-of-{name}", email=f"{name}@example.com")
        contact.email = identity.email
        contact.save()
        assert identify(identity) == contact
        data = {"ContactFirstName": name}
        record(contact, key.channel, client_id=uuid.uuid4(), contact_fields=data)
        record_agreement(contact, consent, agreed=True)
        appear_on(site, contact)
        request_merge(survivor=contact, loser=make_contact(), reason=MARKETER)

    erase_contact(ann.pk)

    assert not Contact.objects.filter(pk=ann.pk).exists()
    assert list(Activity.objects.values_list("contact", flat=True)) == [bob.pk]
    assert DataInput.objects.get().contact == bob
    assert ActivityClaim.objects.get().client_id == Activity.objects.get().client_id
    assert ConsentAgreement.objects.get().contact == bob
    assert ContactIdentifier.objects.get().contact == bob
    assert SiteContact.objects.get().contact == bob
    assert ContactCreation.objects.get().contact == bob
    assert ContactMerge.objects.get().survivor == bob


@pytest.mark.django_db
def test_contacts_who_were_merged_into_the_person_go_with_them():
    survivor = make_contact(email="ann@example.com")
    losers = [make_contact(), make_contact()]
    merge(losers[0], losers[1])
    merge(survivor, losers[0])
    stranger = make_contact()

    erase_contact(losers[1].pk)

    assert list(Contact.objects.all()) == [stranger]
    assert not ContactMerge.objects.exists()
    do_merges()


def plants_of(word):
    """The columns of the whole database that have `word` in a row, in any letter case."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name, data_type FROM information_schema.columns"
            " WHERE table_schema = 'public' AND data_type IN ('text', 'character varying', 'uuid',"
            " 'json', 'jsonb', 'bytea', 'ARRAY')"
        )
        found = set()
        for table, column, data_type in cursor.fetchall():
            text = f'"{column}"::text'
            if data_type == "bytea":
                text = f"encode(\"{column}\", 'escape')"
            cursor.execute(
                f'SELECT EXISTS (SELECT FROM "{table}" WHERE {text} ILIKE %s)',
                [f"%{word}%"],
            )
            if cursor.fetchone()[0]:
                found.add(f"{table}.{column}")
    return found


def redirect(sender, owner_email, channel, **fields):
    """A data input of `sender` that is the contact's who has `owner_email`."""
    data = {"ContactEmail": owner_email, "ContactNotes": fields.pop("notes", "")}
    record(sender, channel, type="datainput", contact_fields=data, **fields)
    return DataInput.objects.latest("pk")


@pytest.mark.django_db
def test_nothing_has_the_guid_of_an_erased_sender_of_what_is_another_contacts(admin_user):
    channel = make_channel()
    sender, merged = make_contact(email="ann@example.com"), make_contact()
    owner = make_contact(email="bob@example.com")
    texts = (str(sender.guid), str(merged.guid).upper(), merged.guid.hex)
    planted = " ".join(texts)
    for contact in (merged, sender):
        redirect(
            contact,
            owner.email,
            channel,
            value=planted,
            title=planted,
            url=f"https://shop.example/?who={texts[0]}",
            referrer=f"https://shop.example/?who={texts[1]}",
            properties={"who": list(texts), texts[2]: 1},
            client_id=uuid.uuid4(),
        )
        if contact == merged:
            merge(sender, merged)
        apply_data_inputs_of(contact.pk)
        LogEntry.objects.log_actions(admin_user.pk, [contact], CHANGE)
        LogEntry.objects.update(object_repr=str(contact.guid))
        refuse(b"{", str(contact.guid).upper())
    refuse(b'{"who": "%s"}' % merged.guid.hex.encode())
    for text in texts:
        name = InvalidActivity("bad", text, f"There is no “{text}”.")
        keep_refused_request(
            name, door="test", request_id=uuid.uuid4(), payload=b"", payload_length=0
        )
    guids = [text for one in (sender, merged) for text in (str(one.guid), one.guid.hex)]
    assert "activities_activity.logged_as" in plants_of(guids[0])

    erase_contact(sender.pk)

    assert [plants_of(guid) for guid in guids] == [set()] * 4
    assert not RejectedActivity.objects.exists()
    inputs = DataInput.objects.all()
    assert {(one.contact, one.sent_by, one.outcome) for one in inputs} == {
        (owner, None, "redirected")
    }
    assert {(one.contact, one.logged_as) for one in Activity.objects.all()} == {(owner, owner.guid)}
    assert Activity.objects.count() == 2


@pytest.mark.django_db
def test_what_waits_for_the_owner_is_applied_after_its_sender_was_erased():
    sender, channel = make_contact(email="ann@example.com"), make_channel()
    owner = make_contact(email="bob@example.com")
    given = redirect(sender, owner.email, channel, notes="Likes boats")
    given.contact, given.sent_by = owner, sender
    given.save()

    erase_contact(sender.pk)
    apply_data_inputs_of(owner.pk)

    owner.refresh_from_db()
    assert owner.notes == "Likes boats"


@pytest.mark.django_db
def test_erasing_one_sender_leaves_what_others_sent():
    ann, channel = make_contact(email="ann@example.com"), make_channel()
    mary, owner = make_contact(email="mary@example.com"), make_contact(email="bob@example.com")
    for sender in (ann, mary):
        redirect(sender, owner.email, channel, url=f"https://shop.example/?who={mary.guid}")
        apply_data_inputs_of(sender.pk)

    erase_contact(ann.pk)

    first, second = Activity.objects.order_by("pk")
    assert (first.logged_as, second.logged_as) == (owner.guid, mary.guid)
    assert first.url == second.url == f"https://shop.example/?who={mary.guid}"
    assert second.data_input.sent_by == mary


@pytest.mark.django_db
def test_data_input_that_waits_for_an_erased_contact_is_no_fault():
    contact = make_contact()
    record(contact, make_channel(), contact_fields={"ContactFirstName": "Ann"})

    erase_contact(contact.pk)

    apply_data_inputs_of(contact.pk)
    assert not DataInput.objects.exists()


@pytest.mark.django_db
def test_contact_who_is_not_there_cannot_be_erased():
    with pytest.raises(Contact.DoesNotExist):
        erase_contact(1)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "payload",
    [
        b'{"email": "Ann.B+shop@example.com"}',
        b'{"email": "ann.b\\u002bshop@example.com"}',
        b'[{"text": "mail\\nann.b+shop@example.com."}]',
        b"email=ann.b%2Bshop%40example.com&event=download",
        b"visit=%7B%22email%22%3A%22ann.b%2Bshop%40example.com%22%7D",
        b'{"page": "https://shop.example/?email=ann.b%2Bshop%40example.com"}',
        b"visit=%257B%2522email%2522%253A%2522ann.b%252Bshop%2540example.com%2522%257D",
        b"guid: 0b0f0b5e-7d0c-4d0e-9a51-1f7a0a0a0a0a",
        b"visit=%220B0F0B5E-7d0c-4d0e-9a51-1f7a0a0a0a0a%22",
    ],
)
def test_inspector_forgets_what_names_the_person(payload):
    guid = uuid.UUID("0b0f0b5e-7d0c-4d0e-9a51-1f7a0a0a0a0a")
    contact = make_contact(guid=guid, email="ann.b+shop@example.com")
    refuse(payload)

    erase_contact(contact.pk)

    assert not RejectedActivity.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "spelling",
    ["eva@bücher.example", "EVA@BU\u0308CHER.example", "eva@xn--bcher-kva.example"],
)
@pytest.mark.parametrize("behind", ["", "\u200b"])
@pytest.mark.parametrize("escape", [str, quote, lambda email: json.dumps(email)[1:-1]])
def test_inspector_forgets_every_spelling_of_the_email(spelling, behind, escape):
    contact = make_contact(email="Eva@Bücher.example")
    refuse(f'{{"email": "{escape(spelling + behind)}"}}'.encode())

    erase_contact(contact.pk)

    assert not RejectedActivity.objects.exists()


@pytest.mark.django_db
def test_inspector_forgets_what_came_under_the_guid_of_any_record():
    survivor, loser = make_contact(email="ann@example.com"), make_contact()
    merge(survivor, loser)
    refuse(b"{", str(survivor.guid))
    refuse(b"{", str(loser.guid))
    refuse(b"{", str(make_contact().guid))

    erase_contact(survivor.pk)

    assert RejectedActivity.objects.count() == 1


@pytest.mark.django_db
def test_inspector_forgets_the_emails_from_before_a_merge():
    survivor = make_contact(email="ann@example.com")
    loser = make_contact(email="anna@example.com", merged_into=survivor)
    ContactMerge.objects.create(
        survivor=survivor,
        loser=loser,
        reason=MARKETER,
        status="done",
        survivor_before={"email": "ann.archer@example.com"},
        loser_before={},
    )
    for email in (b"ann@example.com", b"anna@example.com", b"ann.archer@example.com"):
        refuse(b'{"email": "%s"}' % email)

    erase_contact(survivor.pk)

    assert not RejectedActivity.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "email", [b"mary-ann@example.com", b"mary.ann@example.com", b"ann@example.com.au", b"ann@x.com"]
)
def test_inspector_keeps_what_names_somebody_else(email):
    contact = make_contact(email="ann@example.com")
    refuse(b'{"email": "%s"}' % email)

    erase_contact(contact.pk)

    assert RejectedActivity.objects.count() == 1


# At the same time


@pytest.mark.django_db(transaction=True)
def test_recording_learns_at_its_commit_that_the_contact_was_erased():
    contact, channel = make_contact(), make_channel()
    written, erasing = threading.Event(), threading.Event()

    def drafts():
        yield from [Draft(type="click", value="Buy")] * 5_000
        # They are written by now: it is as many as go in at a time.
        written.set()
        assert erasing.wait(10)

    def record_slowly():
        source = Source(door="test", channel=channel, request_id=uuid.uuid4())
        with pytest.raises(UnknownContact):
            record_activities(drafts(), contact_guid=contact.guid, source=source)

    def erase():
        assert written.wait(10)
        with transaction.atomic():
            lock_records(contact.pk)
            erasing.set()
            wait_until_somebody_waits()
            erase_contact(contact.pk)

    run_at_once(record_slowly, erase)

    assert not Contact.objects.exists()
    assert not Activity.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_erasing_while_many_record_leaves_nothing():
    contact, channel, consent = make_contact(), make_channel(), make_consent()

    def write():
        try:
            while True:
                record(contact, channel)
                record_agreement(contact, consent, agreed=True)
        except (UnknownContact, Contact.DoesNotExist):
            return

    def erase():
        time.sleep(0.3)
        erase_contact(contact.pk)

    run_at_once(*[write] * 4, erase)

    assert not Contact.objects.exists()
    assert not Activity.objects.exists()
    assert not ConsentAgreement.objects.exists()
    assert Channel.objects.get() == channel


@pytest.mark.django_db(transaction=True)
def test_whoever_waits_for_a_contact_learns_that_it_was_erased():
    contact = make_contact()
    locked = threading.Event()

    def erase():
        with transaction.atomic():
            lock_records(contact.pk)
            locked.set()
            wait_until_somebody_waits()
            erase_contact(contact.pk)

    def wait_for_it():
        assert locked.wait(10)
        with transaction.atomic(), pytest.raises(Contact.DoesNotExist):
            lock_live(contact.pk)

    run_at_once(erase, wait_for_it)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("work", [carry_out_merges, settle_merges])
def test_erasing_waits_for_a_merge_that_a_worker_is_at(work):
    survivor, loser = make_contact(email="ann@example.com"), make_contact()
    request = request_merge(survivor=survivor, loser=loser, reason=MARKETER)
    if work == settle_merges:
        carry_out_merges([request.pk])
    begun = threading.Event()

    def do_work():
        with transaction.atomic():
            ContactMerge.objects.select_for_update().get(pk=request.pk)
            begun.set()
            wait_until_somebody_waits()
            work([request.pk])

    def erase():
        assert begun.wait(10)
        erase_contact(survivor.pk)

    run_at_once(do_work, erase)

    assert not ContactMerge.objects.exists()
    assert not Contact.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_page_that_is_saved_while_its_contact_is_erased_says_that_there_is_none(admin_client):
    contact = make_contact(email="ann@example.com")
    locked = threading.Event()

    def erase():
        with transaction.atomic():
            lock_records(contact.pk)
            locked.set()
            wait_until_somebody_waits()
            erase_contact(contact.pk)

    def save():
        assert locked.wait(10)
        return admin_client.post(change_url(contact), {"city": "Bern"}, follow=True)

    _, response = run_at_once(erase, save)

    assert "Perhaps it was deleted?" in response.text
