"""Many people are erased together as each would be alone, and in about as many queries."""

import threading
import uuid
from contextlib import suppress

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from activities.drafts import Draft
from activities.erasing import erase_contact, erase_contacts
from activities.models import Activity, ActivityTypeUse, DataInput
from activities.recording import record_activities
from activities.seen import catch_up
from activities.submissions import Source
from adminsite.audit import note
from adminsite.models import AuditEntry
from consents.models import ConsentAgreement
from contacts import erasing_rows, erasures
from contacts.jobs import ERASURES
from contacts.merging import request_merge
from contacts.models import Contact, ContactIdentifier, ContactMerge, ErasedName
from contacts.names_among import NamesAmong
from contacts.resolving import UnknownContact
from destinations.models import Delivery
from figures.models import Count
from jobs.working import work_off
from privacy.models import Certificate
from privacy.models.proofs import KeptAgreement
from tests.contacts.merged import merge
from tests.destinations.made import make_destination, plain_kinds
from tests.factories import make_activity, make_channel, make_consent, make_contact
from tests.privacy.person import make_line
from tests.privacy.places import columns_with
from tests.threads import run_at_once, wait_until_somebody_waits
from tests.work import do_merges

__all__ = ["plain_kinds"]

pytestmark = pytest.mark.django_db

MARK = "zq8markedperson"
OF_ERASURES = {"contacts_erasure", "privacy_certificate", "privacy_erasureline"}


class Died(BaseException):
    """A worker was killed."""


def everybody(contact_ids):
    return contact_ids


class World:
    """People who left traces everywhere, and what belongs to the others around them."""

    def __init__(self):
        self.channel = make_channel(site_id="1")
        self.consent = make_consent()
        self.told, self.untold = make_destination(), make_destination()
        self.friend = make_contact(email="friend@example.com")
        make_activity(self.friend, channel=self.channel)

    def add(self, number):
        """A person with a mark in each text, who was two contacts before."""
        mark = f"{MARK}{number}x"
        email = f"{mark}@example.com"
        person = make_contact(email=email, first_name=f"Ann {mark}", last_name="Archer")
        merged = make_contact()
        make_activity(merged, channel=self.channel)
        merge(person, merged)
        for given in (person, merged):
            text = f"{email} or {given.guid.hex}"
            self._plant(person, text, f"{mark}-{given.pk}", given.guid)
            # Of some people, nothing has left.
            sent_at = timezone.now() if str(number)[-1] in "13579" else None
            for destination, at in ((self.told, sent_at), (self.untold, None)):
                Delivery.objects.create(
                    destination=destination,
                    contact=person,
                    kind="activity",
                    source=f"activity:{given.pk}",
                    payload={"email": text},
                    attempted_at=at,
                    occurred_at=timezone.now(),
                )
        return person

    def _plant(self, person, text, name, guid):
        make_activity(person, channel=self.channel, title=text)
        ContactIdentifier.objects.create(
            contact=person, site_id="1", kind="anonymous_id", value=name
        )
        ConsentAgreement.objects.create(
            contact=person, consent=self.consent, text=self.consent.texts.get(), agreed=True
        )
        of_friend = make_activity(self.friend, channel=self.channel, value=f"By {guid}")
        DataInput.objects.create(
            contact=self.friend,
            sent_by=person,
            activity=of_friend,
            fields={"notes": f"From {guid}"},
            outcome="redirected",
            applied_at=timezone.now(),
        )
        for payload in (text, f"of {name}", "of nobody", f"{text}.au"):
            make_line(payload.encode(), channel=self.channel)
        note(f"Looked at {text}", model=Contact)
        note(f"Looked at {text}xx", model=Contact)
        Count.objects.create(kind="page", at=timezone.now(), key=f"example.com/{text}", count=1)


def what_is_left():
    """All that two ways to erase the same people must have in common."""
    rows = {}
    with connection.cursor() as cursor:
        for name in sorted({*connection.introspection.table_names()} - OF_ERASURES):
            cursor.execute(f'SELECT count(*) FROM "{name}"')
            rows[name] = cursor.fetchone()[0]
    proofs = {}
    for one in KeptAgreement.objects.all():
        proofs.setdefault(one.erasure, []).append((tuple(one.names), one.agreed))
    asked = Delivery.objects.filter(kind="erasure")
    certificates = Certificate.objects.all()
    tables = {}
    for certificate in certificates:
        for label, count in certificate.tables.items():
            tables[label] = tables.get(label, 0) + count
    return {
        "rows": rows,
        "proofs": sorted(map(sorted, proofs.values())),
        "asked": sorted((one.destination_id, one.payload["contact"]["guid"]) for one in asked),
        "log": sorted(Activity.objects.values_list("value", "logged_as")),
        "inputs": sorted(
            one["notes"] for one in DataInput.objects.values_list("fields", flat=True)
        ),
        "used": sorted(ActivityTypeUse.objects.values_list("type", "count")),
        "audited": sorted(AuditEntry.objects.values_list("detail", flat=True)),
        "refused": sorted(
            (kind, bytes(digest))
            for kind, digest in ErasedName.objects.values_list("kind", "digest")
        ),
        "names": sorted(name for one in certificates for name in one.names),
        "tables": tables,
        "told": {one["code_name"] for each in certificates for one in each.destinations},
        "people": sum(one.people for one in certificates),
    }


def test_many_are_erased_as_each_would_be_alone():
    world = World()
    people = [world.add(number) for number in range(15)]
    stays = world.add("stays")
    catch_up()
    ids = [one.pk for one in people]
    words = [f"{MARK}{number}x" for number in range(15)]
    words += [str(one.guid) for one in Contact.objects.filter(merged_into__in=ids)]
    words += [word.replace("-", "") for word in words]
    assert len(columns_with(*words)) > 15

    with transaction.atomic():
        for contact_id in ids:
            erase_contact(contact_id, reason="retention")
        alone = what_is_left()
        assert Certificate.objects.count() == 15
        transaction.set_rollback(True)
    erased = erase_contacts(ids, everybody, reason="retention")

    assert what_is_left() == alone
    assert Certificate.objects.count() == 1
    assert (erased.people, len(erased.contact_ids), erased.counts) == (15, 30, alone["tables"])
    # What asks a destination to delete them names them until it is delivered; and a longer name
    # is another one.
    assert columns_with(*words) <= {
        "destinations_delivery.payload",
        "adminsite_auditentry.detail",
        "activities_rejectedactivity.payload",
        "activities_rejectedactivity.payload_text",
    }
    stays.refresh_from_db()
    assert stays.email
    assert Activity.objects.filter(contact=stays).count() == 3


@pytest.mark.parametrize("size", [4])
def test_more_people_take_no_more_queries(size):
    world = World()
    counts = []
    for number in (1, size):
        ids = [world.add(f"{number}-{one}1").pk for one in range(number)]
        with CaptureQueriesContext(connection) as asked:
            erase_contacts(ids, everybody)
        counts.append(len(asked))

    assert counts[1] - counts[0] <= 3, counts


def test_only_who_is_chosen_goes_and_nobody_may_be_left():
    first, second, gone = (make_activity().contact for _ in range(3))
    erase_contact(gone.pk)
    asked = []

    def choose(contact_ids):
        asked.append(contact_ids)
        return [second.pk]

    assert erase_contacts([first.pk, second.pk, gone.pk], choose).people == 1
    assert erase_contacts([first.pk], lambda ids: []) is None
    assert erase_contacts([gone.pk], everybody) is None

    assert asked == [[first.pk, second.pk]]
    assert list(Contact.objects.all()) == [first]


def test_who_was_merged_is_erased_with_the_survivor_once():
    survivor, loser, other = make_contact(), make_contact(), make_contact()
    merge(survivor, loser)

    erased = erase_contacts([loser.pk, survivor.pk, other.pk], everybody)

    assert erased.people == 2
    assert sorted(erased.contact_ids) == [survivor.pk, loser.pk, other.pk]


def test_what_died_amid_is_ended_by_a_worker(monkeypatch):
    monkeypatch.setattr(erasing_rows, "PORTION", 4)
    people = [make_activity().contact for _ in range(3)]
    for person in people:
        for _ in range(3):
            make_activity(person)
    real, portions = erasures._next_portion, []

    def die_later(key):
        if portions:
            raise Died
        portions.append(key)
        return real(key)

    monkeypatch.setattr(erasures, "_next_portion", die_later)
    with pytest.raises(Died):
        erase_contacts([one.pk for one in people], everybody)
    monkeypatch.setattr(erasures, "_next_portion", real)
    ERASURES.model.objects.update(due_at=timezone.now())

    work_off(ERASURES)

    assert (Contact.objects.count(), Activity.objects.count()) == (0, 0)
    certificate = Certificate.objects.get()
    assert (certificate.people, certificate.tables["activities"]) == (3, 12)


@pytest.mark.django_db(transaction=True)
def test_recording_goes_on_for_others_and_leaves_nothing_of_them():
    people, other, channel = [make_contact() for _ in range(5)], make_contact(), make_channel()
    are_locked, has_recorded = threading.Event(), threading.Event()
    draft = Draft(type="click", value="Buy")

    def choose(contact_ids):
        are_locked.set()
        # Others record while the records of these people are locked.
        assert has_recorded.wait(20)
        return contact_ids

    def record():
        assert are_locked.wait(20)
        source = Source(door="test", channel=channel, request_id=uuid.uuid4())
        record_activities([draft], contact_guid=other.guid, source=source)
        has_recorded.set()
        source = Source(door="test", channel=channel, request_id=uuid.uuid4())
        # One that came before the names went may be written, and goes at the end.
        with suppress(UnknownContact):
            record_activities([draft], contact_guid=people[3].guid, source=source)

    run_at_once(lambda: erase_contacts([one.pk for one in people], choose), record)

    assert list(Contact.objects.all()) == [other]
    assert Activity.objects.get().contact == other


@pytest.mark.django_db(transaction=True)
def test_who_is_merged_at_the_same_moment_is_one_or_the_other():
    people, known = [make_contact() for _ in range(3)], make_contact(first_name="Ann")
    request_merge(survivor=known, loser=people[1], reason=ContactMerge.Reason.MARKETER)
    are_locked = threading.Event()
    asked = []

    def choose(contact_ids):
        asked.append(contact_ids)
        are_locked.set()
        wait_until_somebody_waits()
        return contact_ids

    def join():
        assert are_locked.wait(20)
        do_merges()

    run_at_once(lambda: erase_contacts([one.pk for one in people], choose), join)

    # The erasure had locked them first: so the merge was forgotten with the person.
    assert asked == [[one.pk for one in people]]
    assert list(Contact.objects.all()) == [known]
    assert not ContactMerge.objects.exists()


def test_names_are_found_as_words_in_any_letter_case():
    names = ["Ann@example.com", "ann%40example.com", "0b1c-2d", "Ann Lee", "Zoë", "--"]
    among = NamesAmong(names)

    assert among.found_in(["To ANN@EXAMPLE.COM"]) == {"Ann@example.com", "Zoë", "--"}
    assert among.found_in(["?q=ann%40example.com"]) >= {"ann%40example.com"}
    assert among.found_in(["(0B1C-2D)", "Joann Lee"]) == {"0b1c-2d", "Zoë", "--"}
    assert among.found_in(["xann@example.com"]) == {"Zoë", "--"}
    assert among.stand_in("To Mary.ANN@EXAMPLE.COM.")
    assert among.stand_in("ZOË")
    assert not among.stand_in("xann@example.com, Joann Lee, Zoe")
    assert among.name_somebody_in("nobody", "<ANN@example.com>")
    assert not among.name_somebody_in("mary-ann@example.com", "Ann Leeds")
