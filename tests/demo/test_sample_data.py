from datetime import timedelta
from io import StringIO
from unittest.mock import DEFAULT, patch
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import transaction
from django.db.models import Count, F
from django.utils import timezone

from activities.models import Activity, ActivityType, DataInput, RejectedActivity
from activities.problems import Status
from activities.quality import quality_of
from adminsite.formatting import change_url, changelist_url
from channels.models import Channel
from config.demo import data
from config.demo.loading import load_demo
from config.demo.sample import TABLETS
from consents.agreements import is_agreed
from consents.models import Consent, ConsentAgreement
from contacts.models import Contact, ContactMerge
from contacts.profile import fields_of, texts_of
from contacts.resolving import find_contact

pytestmark = pytest.mark.django_db

CONTACTS = 400
ACTIVITIES = 6000


def make(**options):
    output = StringIO()
    call_command("make_sample_data", **options, stdout=output)
    return output.getvalue()


@pytest.fixture(scope="module")
def sample(django_db_setup, django_db_blocker):
    """The sample, once for all tests here: what was there before it, and what the command said."""
    # Readers read what is committed, and here nothing is.
    not_reading = patch.multiple("config.demo.sample", catch_up=DEFAULT, count_figures=DEFAULT)
    with django_db_blocker.unblock(), transaction.atomic(), not_reading:
        load_demo()
        before = {model: model.objects.count() for model in (Contact, Activity, RejectedActivity)}
        yield before, make(contacts=CONTACTS, activities=ACTIVITIES)
        transaction.set_rollback(True)


def sample_contacts():
    return Contact.objects.order_by("-pk")[:CONTACTS]


def sample_activities():
    return Activity.objects.order_by("-pk")[:ACTIVITIES]


def test_makes_exactly_as_many_as_asked_for(sample):
    before, said = sample

    assert said == "Made 400 contacts and 6,000 activities.\n"
    assert Contact.objects.count() == before[Contact] + CONTACTS
    assert Activity.objects.count() == before[Activity] + ACTIVITIES
    assert RejectedActivity.objects.count() == before[RejectedActivity] + ACTIVITIES // 500


def test_what_contacts_have_was_given_to_them_by_a_change(sample):
    nobody = texts_of(fields_of(Contact()))
    for contact in sample_contacts().prefetch_related("changes"):
        given = {name: text for name, text in texts_of(fields_of(contact)).items() if text}
        changes = list(contact.changes.all())
        assert [change.after for change in changes] == [given] * bool(given)
        for change in changes:
            assert change.before == {name: nobody[name] for name in given}
            assert (change.source, change.at) == ("code", contact.created_at)


def test_contacts_are_the_same_ones_every_time(sample):
    # The MD5 of “sample contact 1” and of “sample contact 400”.
    first = find_contact(UUID("f174aaaa-d27f-b25b-03de-4db7f659868d"))
    last = find_contact(UUID("3b07d6d5-bdb9-ad4a-bb8e-3a87755b5595"))

    assert last.pk - first.pk == CONTACTS - 1
    assert (last.full_name, last.email) == ("Paula Rossi", "paula.rossi400@example.com")


def test_contacts_are_anonymous_named_or_known(sample):
    ids = sample_contacts().values("pk")
    contacts = Contact.objects.filter(pk__in=ids)

    anonymous = contacts.filter(email="", last_name="").count()
    named = contacts.filter(email="").exclude(last_name="").count()

    assert anonymous > CONTACTS * 0.4
    assert 0 < named < CONTACTS * 0.2
    assert contacts.exclude(email="").count() == CONTACTS - anonymous - named
    assert contacts.exclude(country="").values("country").distinct().count() >= 5


def test_activities_are_of_contacts_who_had_come_by_then(sample):
    found = list(sample_activities().select_related("contact"))

    assert all(activity.logged_as == activity.contact.guid for activity in found)
    # The hours of a day are not told apart that finely.
    half_a_day = timedelta(hours=12)
    assert all(one.contact.created_at - one.recorded_at < half_a_day for one in found)


def test_activities_are_spread_over_a_year_in_the_order_of_time(sample):
    found = sample_activities().values_list("channel__code_name", "recorded_at")
    recorded = [at for channel, at in found if channel != TABLETS]

    assert recorded == sorted(recorded, reverse=True)
    assert len({(at.year, at.month) for at in recorded}) >= 12
    assert recorded[0] <= timezone.now()


def test_activities_are_of_many_types_and_of_every_channel(sample):
    ids = sample_activities().values("pk")
    types = ActivityType.objects.filter(activities__in=ids).distinct()
    of_channels = dict(
        Activity.objects.filter(pk__in=ids)
        .values_list("channel__code_name")
        .annotate(number=Count("pk"))
    )

    assert types.count() >= 8
    assert of_channels.keys() == {data.APP, data.SITE, TABLETS}
    assert of_channels[TABLETS] == ACTIVITIES // 2000


def test_few_contacts_do_much_and_many_do_little(sample):
    ids = sample_activities().values("pk")
    counts = list(
        Activity.objects.filter(pk__in=ids)
        .values("contact")
        .annotate(number=Count("pk"))
        .order_by("-number")
        .values_list("number", flat=True)
    )

    assert sum(counts[: len(counts) // 10]) > ACTIVITIES * 0.4
    assert len(counts) > CONTACTS / 2


def test_a_visit_is_a_request_of_one_contact(sample):
    ids = sample_activities().values("pk")
    requests = (
        Activity.objects.filter(pk__in=ids)
        .values("request_id")
        .annotate(people=Count("contact", distinct=True), number=Count("pk"))
    )

    assert {request["people"] for request in requests} == {1}
    assert {request["number"] for request in requests} >= {3}


def test_data_inputs_say_what_the_contact_has(sample):
    ids = sample_activities().values("pk")
    data_inputs = DataInput.objects.filter(activity__in=ids).select_related("contact")

    assert len(data_inputs) > 20
    for data_input in data_inputs:
        assert data_input.outcome == DataInput.Outcome.APPLIED
        assert data_input.fields["email"] == data_input.contact.email


def test_contacts_agree_refuse_and_revoke(sample):
    ids = list(sample_contacts().values_list("pk", flat=True))
    tracking = Consent.objects.get(code_name=data.TRACKING)
    answers = ConsentAgreement.objects.filter(contact__in=ids, consent=tracking)

    people = answers.values("contact").distinct().count()
    agreeing = [pk for pk in ids if is_agreed(pk, tracking)]

    assert CONTACTS * 0.4 < people < CONTACTS * 0.7
    assert people * 0.7 < len(agreeing) < people
    assert answers.count() > people
    assert set(answers.values_list("text__language", flat=True)) == {"en", "de"}
    assert not answers.filter(at__lt=F("contact__created_at")).exists()


def test_what_came_in_is_counted(sample):
    since = timezone.now() - timedelta(days=20)
    recent = Activity.objects.filter(recorded_at__gte=since.replace(minute=0, second=0)).count()
    qualities = quality_of(Channel.objects.values_list("pk", flat=True), since).values()

    recorded = (Status.VALID, Status.INVALID_ACCEPTED)
    assert sum(one.counts.get(status, 0) for one in qualities for status in recorded) == recent > 0


def test_admin_pages_open(sample, client):
    client.force_login(User.objects.get(username="demo"))
    pages = [changelist_url(model) for model in (Contact, Activity, ConsentAgreement)]
    pages += [changelist_url(RejectedActivity), changelist_url(ContactMerge), "/admin/"]
    pages += [change_url(one) for one in (sample_contacts()[0], sample_activities()[0])]

    assert {page: client.get(page).status_code for page in pages} == dict.fromkeys(pages, 200)


def test_is_not_made_twice(sample):
    with pytest.raises(CommandError, match="sample data here already"):
        make(contacts=1, activities=1)
