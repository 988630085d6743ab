"""Whether a contact may get an email, and why not."""

from datetime import timedelta

import pytest
from django.utils import timezone

from automations.emails.permission import obstacles, who_agrees
from automations.models import Email, Suppression
from consents.agreements import record_agreement
from tests.automations.mails import make_email, make_template
from tests.factories import make_consent, make_contact

pytestmark = pytest.mark.django_db


@pytest.fixture
def consent():
    return make_consent("NewsletterConsent", name="Newsletter")


def agreeing(consent, **fields):
    contact = make_contact(**{"email": "anna@example.com", **fields})
    record_agreement(contact, consent, agreed=True)
    return contact


def reason(contact, consent=None, **options):
    consent_id = consent.pk if consent else None
    return obstacles([contact.pk], consent_id=consent_id, **options).get(contact.pk)


def test_a_contact_who_agrees_may_get_the_email(consent):
    assert reason(agreeing(consent), consent) is None


def test_a_contact_who_was_never_asked_gets_none(consent):
    contact = make_contact(email="anna@example.com")

    assert reason(contact, consent) == "The contact has not agreed to “Newsletter”."


def test_a_contact_who_has_revoked_gets_none(consent):
    contact = agreeing(consent)
    record_agreement(contact, consent, agreed=False)

    assert reason(contact, consent) == "The contact has revoked “Newsletter”."


def test_another_consent_does_not_count(consent):
    contact = agreeing(make_consent("OtherConsent"))

    assert reason(contact, consent) == "The contact has not agreed to “Newsletter”."


def test_a_transactional_email_needs_no_consent(consent):
    contact = make_contact(email="anna@example.com")
    record_agreement(contact, consent, agreed=False)

    assert reason(contact) is None


def test_a_contact_without_an_email_gets_none(consent):
    assert reason(make_contact(first_name="Anna")) == "The contact has no email."


@pytest.mark.parametrize(
    ("why", "said"),
    [
        ("bounced", "The address of the contact does not exist: an email came back."),
        ("complained", "The contact has reported an email as spam."),
        ("user", "A user has decided that this address gets no emails."),
    ],
)
def test_a_suppressed_address_gets_none_not_even_a_transactional_one(consent, why, said):
    contact = agreeing(consent, email="Anna@Example.com")
    Suppression.objects.create(email_key="anna@example.com", reason=why)

    assert reason(contact, consent) == said
    assert reason(contact) == said


def test_contacts_without_an_email_share_no_suppression(consent):
    Suppression.objects.create(email_key="", reason="user")

    assert reason(make_contact(first_name="Anna")) == "The contact has no email."


def test_a_merged_and_an_erased_contact_get_none(consent):
    survivor = agreeing(consent)
    loser = make_contact(email="", merged_into=survivor)
    erased = make_contact()
    erased_id = erased.pk
    erased.delete()

    found = obstacles([loser.pk, erased_id], consent_id=consent.pk)

    assert found == {
        loser.pk: "The contact was merged into another.",
        erased_id: "The contact was erased.",
    }


def test_the_weekly_cap_counts_what_was_handed_over_within_seven_days(consent, settings):
    settings.EMAILS_PER_CONTACT_AND_WEEK = 2
    contact = agreeing(consent)
    template = make_template(consent=consent)
    make_email(contact, template=template)
    make_email(contact)  # transactional
    make_email(
        contact,
        template=template,
        status=Email.Status.PREPARED,
        handed_over_at=None,
        sent_at=None,
    )
    make_email(contact, template=template, handed_over_at=timezone.now() - timedelta(days=8))
    assert reason(contact, consent, check_cap=True) is None

    second = make_email(
        contact, template=template, status=Email.Status.UNCERTAIN, reason="?", sent_at=None
    )

    assert reason(contact, consent, check_cap=True) == (
        "The contact has got 2 emails within seven days, which is the most."
    )
    assert reason(contact, consent) is None
    assert reason(contact, check_cap=True) is None
    assert reason(contact, consent, check_cap=True, besides=[second.pk]) is None


def test_many_contacts_cost_three_queries(consent, settings, django_assert_num_queries):
    settings.EMAILS_PER_CONTACT_AND_WEEK = 2
    free = agreeing(consent)
    others = [make_contact(email=f"{number}@example.com") for number in range(20)]

    with django_assert_num_queries(3):
        found = obstacles(
            [one.pk for one in (free, *others)], consent_id=consent.pk, check_cap=True
        )

    assert found.keys() == {one.pk for one in others}


def test_nobody_is_asked_about_no_contacts(consent, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert obstacles([], consent_id=consent.pk) == {}


def test_opens_and_clicks_count_of_those_who_agree_to_that_only(consent):
    yes, no = agreeing(consent), make_contact(email="no@example.com")

    assert who_agrees([yes.pk, no.pk], consent.pk) == {yes.pk}
    assert who_agrees([yes.pk, no.pk], None) == set()
