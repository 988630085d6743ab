from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection, transaction
from django.db.models import F, Min
from django.urls import reverse
from django.utils import timezone

from activities.jobs import REPLAYS
from activities.models import Activity, ActivityType, DataInput, RejectedActivity, SenderCount
from activities.problems import Status
from activities.reading_again import read_line, why_not
from automations.models import Automation, Run, Template
from channels.models import ApiKey, Channel
from config.demo import data, journeys
from consents.agreements import is_agreed
from consents.models import Consent, ConsentAgreement, CurrentAnswer
from consents.texts import find_text
from contacts.models import Contact, ContactMerge
from contacts.profile import fields_of, texts_of
from crosssite.models import TrackedSite
from destinations.models import Delivery, Destination
from groups.compiling import members
from groups.membership import members_of
from groups.models import ContactGroup, Membership
from groups.rules import parse, to_json
from jobs.working import work_off
from privacy.models import PersonRequest
from privacy.models.requests import BY_DUE
from privacy.requests.due import days_left
from tests.factories import make_contact
from tests.wire.source import EventSource, event

pytestmark = pytest.mark.django_db


def load():
    output = StringIO()
    call_command("load_demo_data", stdout=output)
    return output.getvalue()


@pytest.fixture(scope="module")
def demo(django_db_setup, django_db_blocker):
    """The loaded demo, once for all tests here; what the command said."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield load()
        transaction.set_rollback(True)


def contact_called(last_name, **fields):
    return Contact.objects.live().get(last_name=last_name, **fields)


def counts():
    models = [Activity, ActivityType, Channel, Consent, ConsentAgreement, Contact, ContactMerge]
    return {model: model.objects.count() for model in [*models, DataInput, RejectedActivity]}


def test_demo_says_what_it_did(demo):
    assert demo == "Loaded the demo: Alder Bank, with 65 contacts over 60 days.\n"
    assert load() == "The demo data is there.\n"


def test_demo_twice_changes_nothing(demo):
    once = counts()

    load()

    assert counts() == once


def test_contacts_of_the_demo_begin_with_the_first_thing_that_they_did(demo):
    contacts = Contact.objects.alias(first=Min("activities__occurred_at"))

    assert not contacts.filter(created_at__gt=F("first")).exists()


def test_demo_has_its_channels(demo, settings):
    mobile_app = Channel.objects.get(code_name="mobile-app")
    main_site = Channel.objects.get(code_name="main-site")
    assert mobile_app.kind == Channel.Kind.HEADLESS
    assert main_site.kind == Channel.Kind.WEBSITE
    assert main_site.domain == f"main.localhost:{settings.PORT}"
    assert main_site.tracking_consent.code_name == "TrackingConsent"
    sites = TrackedSite.objects.order_by("code_name").values_list("code_name", "url", "channel")
    assert list(sites) == [
        ("alder-homes", f"http://homes.localhost:{settings.PORT}", main_site.pk),
        ("alder-magazine", f"http://magazine.localhost:{settings.PORT}", main_site.pk),
    ]


@pytest.mark.parametrize(("port", "suffix"), [(8124, ":8124"), (80, "")])
def test_demo_follows_the_port(demo, settings, port, suffix):
    settings.PORT = port

    load()

    assert Channel.objects.get(code_name="main-site").domain == f"main.localhost{suffix}"
    assert set(TrackedSite.objects.values_list("url", flat=True)) == {
        f"http://homes.localhost{suffix}",
        f"http://magazine.localhost{suffix}",
    }


def test_demo_follows_the_port_back(demo, settings):
    for port in (80, 8125):
        settings.PORT = port
        load()

    assert Channel.objects.get(code_name="main-site").domain == "main.localhost:8125"


def test_demo_leaves_a_tracked_site_that_somebody_moved(demo):
    TrackedSite.objects.filter(code_name="alder-homes").update(url="https://homes.example.com")

    load()

    moved = TrackedSite.objects.get(code_name="alder-homes")
    assert moved.url == "https://homes.example.com"


def test_demo_leaves_a_domain_that_somebody_else_chose(demo):
    Channel.objects.filter(code_name="main-site").update(domain="www.example.com", name="Ours")

    load()

    main_site = Channel.objects.get(code_name="main-site")
    assert (main_site.domain, main_site.name) == ("www.example.com", "Ours")


def test_demo_has_requests_of_persons_for_the_officer(demo):
    requests = PersonRequest.objects.open().order_by(*BY_DUE)

    found = [(one.kind, one.contact.last_name, days_left(one.due_on) <= 7) for one in requests]
    assert found == [("erasure", "Moreau", True), ("access", "Larsen", False)]


def test_demo_has_a_key_that_ends_while_it_is_used(demo):
    (old,) = ApiKey.objects.ending_in_use()

    assert old.replaced_by.name == "iOS app, version 4"
    assert ApiKey.objects.count() == 2


def test_demo_has_consents_in_two_languages(demo):
    for code_name in ("TrackingConsent", "NewsletterConsent"):
        consent = Consent.objects.get(code_name=code_name)
        english, german = find_text(consent, "en"), find_text(consent, "de")
        assert (english.language, german.language) == ("en", "de")
        assert english.short_text
        assert english.full_text != german.full_text


def test_demo_has_custom_activity_types_with_descriptions(demo):
    custom = ActivityType.objects.filter(is_system=False, door="")
    assert custom.get(code_name="custom_loan_calculator").name == "Loan calculator usage"
    assert custom.filter(description="").count() == 0
    assert custom.filter(enabled=True).count() == 5


def test_demo_login_opens_the_admin(demo):
    user = authenticate(username="demo", password="demo")

    assert user.is_superuser


def test_demo_keeps_a_changed_password(demo):
    user = authenticate(username="demo", password="demo")
    user.set_password("something else")
    user.save()

    load()

    assert authenticate(username="demo", password="demo") is None


def test_demo_activities_are_of_the_last_60_days(demo):
    now = timezone.now()
    times = Activity.objects.values_list("occurred_at", flat=True)
    assert min(times) > now - timedelta(days=60)
    assert max(times) < now
    assert min(times) < now - timedelta(days=55)


def test_demo_contacts_do_nothing_before_they_came(demo):
    came_at = dict(Contact.objects.values_list("guid", "created_at"))
    done_at = Activity.objects.values_list("logged_as", "occurred_at")
    assert all(occurred_at >= came_at[guid] for guid, occurred_at in done_at)


def test_demo_uses_both_channels(demo):
    channels = Activity.objects.values_list("channel__code_name", flat=True)

    assert set(channels) == {"mobile-app", "main-site"}


def test_demo_has_people_of_many_places(demo):
    live = Contact.objects.live()
    assert live.exclude(country="").values("country").distinct().count() >= 12
    assert live.exclude(state="").values("state").distinct().count() >= 5
    assert live.filter(email="", last_name="").count() >= 10


def test_demo_applies_every_data_input(demo):
    assert DataInput.objects.filter(outcome=DataInput.Outcome.PENDING).count() == 0
    assert DataInput.objects.filter(outcome=DataInput.Outcome.REDIRECTED).count() == 2


def test_demo_says_where_each_field_of_a_contact_comes_from(demo):
    for contact in Contact.objects.live().prefetch_related("changes"):
        now = {name: text for name, text in texts_of(fields_of(contact)).items() if text}
        last = {}
        for change in sorted(contact.changes.all(), key=lambda change: change.pk):
            last |= change.after
        assert {name: text for name, text in last.items() if text} == now


def test_demo_merges_who_signed_in_on_a_second_device(demo):
    anna = contact_called("Keller")
    (phone,) = anna.merged_contacts.all()
    assert phone.guid == journeys.guid_of("Keller's phone")
    channels = anna.activities.values_list("channel__code_name", flat=True)
    assert set(channels) == {"mobile-app", "main-site"}
    assert ContactMerge.objects.filter(status=ContactMerge.Status.DONE).count() == 4


def test_demo_leaves_merges_of_two_reasons_to_decide(demo):
    waiting = ContactMerge.objects.filter(status=ContactMerge.Status.REVIEW).order_by("pk")

    assert [(merge.reason, {merge.survivor.email, merge.loser.email}) for merge in waiting] == [
        ("marketer", {"miriam.vogel@example.net", "accounts@vogel.example"}),
        ("same_phone", {"marta.kowalska@example.com", "marta.kowalska@exmaple.com"}),
    ]


def test_demo_gives_data_of_another_email_to_another_contact(demo):
    emily = contact_called("Carter", first_name="Emily")
    noah = contact_called("Carter", first_name="Noah")
    assert emily.email == "emily.carter@example.com"
    assert noah.email == "noah.carter@example.com"
    assert noah.data_inputs.get().sent_by == emily


def test_demo_rejections_are_those_intended(demo):
    codes = RejectedActivity.objects.order_by("code").values_list("code", flat=True)

    assert list(codes) == [
        "bad_country",
        "bad_date",
        "bad_email",
        "disabled_type",
        "missing_event_name",
        "missing_url",
        "too_long",
        "unknown_contact",
        *["unknown_type"] * 4,
        "wrong_property",
        "wrong_type",
        "wrong_type",
    ]


def test_misspelt_name_is_mended_and_replayed_as_the_documents_say(demo, client):
    client.force_login(User.objects.get(username="developer"))
    url = reverse("admin:activities_rejectedactivity_causes")
    (row,) = [row for row in client.get(url).context["rows"] if row["code"] == "unknown_type"]
    given = {"cause": RejectedActivity.objects.filter(code="unknown_type").latest("pk").pk}

    def act(**fields):
        client.post(reverse("admin:activities_rejectedactivity_act"), {**given, **fields})

    assert (row["number"], row["meant"]) == (4, "custom_loan_calculator")
    act(**{"do": "map", "map-type": row["meant"], "map-scope": "channel"})
    act(do="replay")
    work_off(REPLAYS)

    lines = RejectedActivity.objects.filter(code="unknown_type")
    assert {line.replayed for line in lines} == {"recorded"}


def test_demo_has_senders(demo, client):
    client.force_login(User.objects.get(username="developer"))

    rows = client.get(reverse("admin:activities_rejectedactivity_senders")).context["rows"]

    senders = {(row["channel"].code_name, row["format"]): row for row in rows}
    site = senders["main-site", "Tracking API"]
    assert set(senders) == {
        ("mobile-app", "Tracking API"),
        ("main-site", "Tracking API"),
        ("main-site", "ActiveCampaign"),
        ("main-site", "Commanders Act"),
    }
    assert senders["mobile-app", "Tracking API"]["key"].name == "iOS app before version 4"
    assert site["day"] > 0
    refused = RejectedActivity.objects.filter(
        channel=site["channel"], door="headless", at__gt=timezone.now() - timedelta(days=30)
    )
    sent = SenderCount.objects.filter(channel=site["channel"], door="headless")
    assert sum(sent.values_list("refused", flat=True)) == refused.count()


def test_the_event_of_somebody_unknown_waits_for_the_contact(demo):
    line = RejectedActivity.objects.get(code="unknown_contact")
    contact = make_contact(email="nobody@example.com")

    assert why_not(line) == ""
    (again,) = read_line(line, is_dry=True)
    assert (again.draft.value, again.contact_guid) == ("Saving on heating", contact.guid)


def test_demo_has_events_in_the_formats_of_other_systems(demo):
    titles = {
        door: set(Activity.objects.filter(type__door=door).values_list("title", flat=True))
        for door in ("activecampaign", "commandersact")
    }

    files = "https://www.alderbank.example/brochures"
    assert titles["activecampaign"] == {
        "Webinar attended 'Buying your first home'",
        f"file download request '{files}/first-home/'",
        f"file download request '{files}/saving-for-children/'",
    }
    assert "Purchase 'TI-1042' 39.90 EUR" in titles["commandersact"]
    assert len(titles["commandersact"]) == 7


def test_demo_has_rules_for_purchases(demo):
    purchase = ActivityType.objects.get(code_name="purchase")

    assert purchase.property_rules.count() == 2
    (row,) = RejectedActivity.objects.filter(code="wrong_property")
    assert row.status == Status.INVALID_ACCEPTED
    activity = Activity.objects.get(request_id=row.request_id)
    assert "currency" not in activity.properties


@pytest.mark.parametrize("order", ["A-1042", 1042])
def test_demo_takes_the_purchases_that_people_try_out(demo, order):
    source = EventSource(Channel.objects.get(code_name="mobile-app"))

    activity = source.send(event("purchase", id=order, value=89.9, currency="EUR"))

    assert activity.properties["id"] == order
    assert not RejectedActivity.objects.filter(request_id=activity.request_id).exists()


def test_demo_agreements_are_of_their_time_and_text(demo):
    agreements = ConsentAgreement.objects.all()
    now = timezone.now()
    assert all(now - timedelta(days=60) < agreement.at < now for agreement in agreements)
    german = contact_called("Keller").agreements.get(channel__code_name="main-site")
    assert german.text.language == "de"
    assert german.text.created_at < german.at


def test_demo_has_people_who_revoked(demo):
    newsletter = Consent.objects.get(code_name="NewsletterConsent")
    revoked = [contact_called(name) for name in ("Lindqvist", "Miller", "Diallo")]
    assert not any(is_agreed(contact, newsletter) for contact in revoked)
    assert is_agreed(contact_called("Evans"), newsletter)


def test_demo_nobody_is_tracked_after_revoking(demo):
    for revocation in ConsentAgreement.objects.filter(
        agreed=False, consent__code_name="TrackingConsent"
    ):
        later = revocation.contact.activities.filter(occurred_at__gt=revocation.at)
        assert later.count() == 0


def test_demo_has_its_groups(demo):
    groups = ContactGroup.objects.order_by("code_name")

    assert [(group.code_name, group.static, group.visible_to_websites) for group in groups] == [
        ("loan-interest", False, True),
        ("newsletter", True, False),
    ]
    loans, newsletter = groups
    assert loans.builds.get().version == loans.version
    assert loans.rule == to_json(parse(data.GROUPS["loan-interest"].rule))
    assert not newsletter.builds.exists()


def test_demo_newsletter_has_who_agrees_to_it(demo):
    newsletter = Consent.objects.get(code_name="NewsletterConsent")
    agreeing = CurrentAnswer.objects.agreeing_to(newsletter).values_list("contact", flat=True)

    readers = members_of(ContactGroup.objects.get(code_name="newsletter"))

    assert {contact.pk for contact in readers} == set(agreeing)
    assert contact_called("Evans") in readers
    assert contact_called("Lindqvist") not in readers


def test_demo_has_people_who_are_interested_in_a_loan(demo):
    tree = parse(ContactGroup.objects.get(code_name="loan-interest").rule)
    statement = members(tree, now=timezone.now())
    with connection.cursor() as cursor:
        cursor.execute(statement.sql, statement.params)
        found = {contact_id for contact_id, holds, _ in cursor.fetchall() if holds}

    interested = Contact.objects.filter(pk__in=found)

    # Fraser was here today; Jackson is from the USA; Evans only reads.
    assert contact_called("Fraser") in interested
    assert not interested.filter(country="USA").exists()
    assert contact_called("Evans") not in interested


def test_demo_leaves_groups_that_somebody_changed(demo):
    ContactGroup.objects.filter(code_name="newsletter").update(name="Ours", code_name="Newsletter")
    Membership.objects.all().delete()

    load()

    assert ContactGroup.objects.get(code_name__iexact="newsletter").name == "Ours"
    assert not Membership.objects.exists()


def test_demo_is_the_same_story_for_the_same_moment():
    now = timezone.now()

    assert journeys.tell(now) == journeys.tell(now)


def test_demo_emails_who_asks_for_a_file(demo):
    automation = Automation.objects.get(code_name="send-brochure")

    assert automation.enabled
    assert automation.trigger["activities"] == ["file download request"]
    assert [step["template"] for step in automation.steps] == ["brochure"]
    assert Template.objects.get(code_name="brochure").is_transactional


def test_people_of_the_story_have_asked_for_files(demo):
    requests = Activity.objects.filter(type__code_name="file download request")

    assert [request.contact.last_name for request in requests.order_by("occurred_at")] == [
        "Evans",
        "Steiner",
        "Keller",
    ]
    assert all(request.value.startswith(data.WEB) for request in requests)
    assert requests.latest("occurred_at").occurred_at < timezone.now() - timedelta(hours=30)


def test_nobody_of_the_story_goes_to_the_crm_of_the_demo(demo):
    assert Destination.objects.get().code_name == "crm"
    assert not Delivery.objects.exists()


def test_nobody_of_the_story_enters_the_automations_of_the_demo(demo):
    assert not Run.objects.exists()


def test_demo_leaves_automations_that_somebody_changed(demo):
    Automation.objects.filter(code_name="send-brochure").update(enabled=False, name="Ours")
    Template.objects.filter(code_name="brochure").update(subject="Ours")

    load()

    assert Automation.objects.get(code_name="send-brochure").name == "Ours"
    assert Template.objects.get(code_name="brochure").subject == "Ours"
