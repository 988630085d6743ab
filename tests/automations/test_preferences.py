"""Unsubscribing and choosing by the links of emails."""

import re

import pytest
from django.test import Client

from automations.emails import wording
from automations.emails.answering import Given, choices_of, choose, is_agreed_by_reader
from automations.emails.links import Purpose, token_of
from automations.models import EmailEvent
from consents.agreements import is_agreed, record_agreement
from consents.models import ConsentAgreement
from consents.texts import save_text, withdraw_text
from contacts.merging import request_merge
from contacts.models import ContactMerge
from tests.automations.mails import links_of, make_email, make_template
from tests.factories import make_consent, make_contact
from tests.work import do_merges

pytestmark = pytest.mark.django_db
ONE_CLICK = {"List-Unsubscribe": "One-Click"}
NAMED = "<p><strong>Newsletter</strong><br>Hub &lt;hub@example.com&gt;</p>"
DONE = "You are unsubscribed."


@pytest.fixture
def stranger():
    """Who has no session, and no CSRF token."""
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def newsletter():
    return make_consent(
        "NewsletterConsent",
        name="Newsletter",
        texts={"en": "<p>May we write?</p>", "de": "<p>Dürfen wir schreiben?</p>"},
    )


@pytest.fixture
def anna(newsletter):
    contact = make_contact(email="anna@example.com")
    record_agreement(contact, newsletter, agreed=True, language="en")
    return contact


@pytest.fixture
def email(anna, newsletter):
    return make_email(anna, template=make_template(consent=newsletter))


def erase(contact):
    contact.emails.all().delete()
    contact.agreements.all().delete()
    contact.delete()


def answers(contact):
    found = ConsentAgreement.objects.filter(contact=contact).order_by("id")
    return list(found.values_list("consent__code_name", "agreed"))


def shown(page):
    """What the form of a page says of each choice that it shows."""
    return re.findall(r'name="shown" value="([^"]*)"', page.content.decode())


def heading(page):
    return re.search("<h1>(.*?)</h1>", page.content.decode())[1]


def test_one_post_without_session_and_csrf_token_unsubscribes(stranger, email, anna, newsletter):
    response = stranger.post(links_of(email).unsubscribe, ONE_CLICK)

    assert response.status_code == 200
    assert DONE in response.content.decode()
    assert not is_agreed(anna, newsletter)
    assert response.cookies == {}


def test_the_body_may_come_as_form_data(stranger, email, anna, newsletter):
    body = "List-Unsubscribe=One-Click"
    kind = "application/x-www-form-urlencoded"

    assert stranger.post(links_of(email).unsubscribe, body, content_type=kind).status_code == 200
    assert not is_agreed(anna, newsletter)


def test_the_ledger_has_the_text_and_the_email_of_the_revocation(stranger, email, newsletter):
    stranger.post(links_of(email).unsubscribe, ONE_CLICK)

    agreement = ConsentAgreement.objects.get(agreed=False)
    assert agreement.text == newsletter.texts.get(language="en")
    assert agreement.request_id == links_of(email).message


def test_the_email_has_the_event_of_it(stranger, email, anna):
    stranger.post(links_of(email).unsubscribe, ONE_CLICK)

    event = EmailEvent.objects.get()
    assert (event.email, event.contact, event.template) == (email, anna, email.template)
    assert (event.kind, event.by_robot) == ("unsubscribed", False)


def test_unsubscribing_twice_is_unsubscribing_once(stranger, email, anna):
    for _ in range(2):
        assert DONE in stranger.post(links_of(email).unsubscribe, ONE_CLICK).content.decode()

    assert answers(anna) == [("NewsletterConsent", True), ("NewsletterConsent", False)]
    assert EmailEvent.objects.count() == 1


def test_who_has_agreed_anew_can_unsubscribe_by_the_old_email(stranger, email, anna, newsletter):
    stranger.post(links_of(email).unsubscribe, ONE_CLICK)
    record_agreement(anna, newsletter, agreed=True)

    stranger.post(links_of(email).unsubscribe, ONE_CLICK)

    assert not is_agreed(anna, newsletter)


@pytest.mark.parametrize("method", ["get", "head"])
def test_looking_at_a_link_changes_nothing(stranger, email, anna, method):
    links = links_of(email)

    for path in (links.unsubscribe, links.preferences, links.confirm("NewsletterConsent")):
        assert getattr(stranger, method)(path).status_code == 200

    assert answers(anna) == [("NewsletterConsent", True)]


def test_the_page_has_a_button_that_unsubscribes(stranger, email):
    page = stranger.get(links_of(email).unsubscribe).content.decode()

    assert '<input type="hidden" name="List-Unsubscribe" value="One-Click">' in page
    assert "<button>Unsubscribe</button>" in page


@pytest.mark.parametrize("body", [{}, {"List-Unsubscribe": "Perhaps"}])
def test_a_post_that_does_not_say_it_changes_nothing(stranger, email, anna, body):
    response = stranger.post(links_of(email).unsubscribe, body)

    assert response.status_code == 400
    assert "<button>Unsubscribe</button>" in response.content.decode()
    assert answers(anna) == [("NewsletterConsent", True)]


def test_a_link_that_was_changed_says_so_and_nothing_else(stranger, email, anna):
    path = links_of(email).unsubscribe

    for changed in (path[:-1], path.replace("unsubscribe", "preferences"), path + "x"):
        response = stranger.post(changed, ONE_CLICK)
        assert response.status_code == 404
        assert heading(response) == "This link does not work"
    assert answers(anna) == [("NewsletterConsent", True)]


def test_a_merged_contact_is_followed(stranger, email, anna, newsletter):
    survivor = make_contact(first_name="Anna")
    request_merge(survivor=survivor, loser=anna, reason=ContactMerge.Reason.MARKETER)
    do_merges()

    stranger.post(links_of(email).unsubscribe, ONE_CLICK)

    assert not is_agreed(survivor, newsletter)
    assert EmailEvent.objects.get().contact == survivor


def test_an_erased_contact_gets_the_same_page_without_names(stranger, email, anna):
    links = links_of(email)
    before = stranger.get(links.unsubscribe).content.decode()
    erase(anna)

    after = stranger.get(links.unsubscribe).content.decode()
    assert after == before.replace(NAMED, "")
    assert DONE in stranger.post(links.unsubscribe, ONE_CLICK).content.decode()


def test_the_other_pages_of_an_erased_contact_say_that_nothing_is_kept(stranger, email, anna):
    links = links_of(email)
    erase(anna)

    for path in (links.preferences, links.confirm("NewsletterConsent")):
        for ask in (stranger.get, stranger.post):
            assert heading(ask(path)) == "There is nothing here any more"


def test_nothing_is_taken_back_by_a_transactional_email(stranger, anna):
    email = make_email(anna)
    token = token_of(Purpose.UNSUBSCRIBE, links_of(email).message)

    assert stranger.post(f"/email/unsubscribe/{token}", ONE_CLICK).status_code == 200
    assert answers(anna) == [("NewsletterConsent", True)]


def test_nobody_keeps_the_pages_or_is_told_their_address(stranger, email):
    links = links_of(email)

    for path in (links.unsubscribe, links.preferences, links.confirm("NewsletterConsent")):
        response = stranger.get(path)
        assert response["Cache-Control"] == "no-store"
        assert response["Referrer-Policy"] == "no-referrer"
        assert response["X-Robots-Tag"] == "noindex, nofollow"
        assert response["X-Frame-Options"] == "DENY"
        assert "script-src" not in response["Content-Security-Policy"]
        assert "<script" not in response.content.decode()


def test_a_page_names_nobody(stranger, email):
    for path in (links_of(email).unsubscribe, links_of(email).preferences):
        assert "anna" not in stranger.get(path).content.decode().lower()


def test_preferences_are_those_that_templates_need_and_those_that_were_answered(stranger, email):
    asked = make_consent("TrackingConsent", texts={"en": "<p>May we track?</p>"})
    record_agreement(email.contact, asked, agreed=False)
    opens = make_consent("OpenConsent", name="Opens", texts={"en": "<p>May we see?</p>"})
    make_template(open_consent=opens)
    make_consent("UnusedConsent", texts={"en": "<p>Nobody asks</p>"})

    page = stranger.get(links_of(email).preferences).content.decode()

    for text in ("May we write?", "May we track?", "May we see?"):
        assert text in page
    assert "Nobody asks" not in page
    assert page.count(" checked") == 1


def test_choices_are_saved_and_shown(stranger, email, anna):
    tracking = make_consent("TrackingConsent")
    record_agreement(anna, tracking, agreed=False)
    path = links_of(email).preferences
    choices = shown(stranger.get(path))

    response = stranger.post(path, {"shown": choices, "agreed": [tracking.pk]})

    assert (response.status_code, response["Location"]) == (303, f"{path}?saved")
    page = stranger.get(response["Location"]).content.decode()
    assert "Your choices are saved." in page
    assert answers(anna)[2:] == [("TrackingConsent", True), ("NewsletterConsent", False)]
    assert EmailEvent.objects.get().kind == "unsubscribed"


def test_saving_what_is_so_already_adds_nothing(stranger, email, anna, newsletter):
    path = links_of(email).preferences

    stranger.post(path, {"shown": shown(stranger.get(path)), "agreed": [newsletter.pk]})

    assert answers(anna) == [("NewsletterConsent", True)]


def test_what_was_answered_elsewhere_meanwhile_stays(stranger, email, anna, newsletter):
    """An old page that is saved revokes nothing that it had not shown as agreed to."""
    tracking = make_consent("TrackingConsent")
    record_agreement(anna, tracking, agreed=False)
    path = links_of(email).preferences
    choices = shown(stranger.get(path))
    record_agreement(anna, tracking, agreed=True)

    stranger.post(path, {"shown": choices, "agreed": [newsletter.pk]})

    assert is_agreed(anna, tracking)


def test_nobody_agrees_to_a_text_that_they_have_not_seen(stranger, email, anna):
    tracking = make_consent("TrackingConsent")
    record_agreement(anna, tracking, agreed=False)
    path = links_of(email).preferences
    choices = shown(stranger.get(path))
    save_text(tracking, language="en", short_text="<p>May we sell it?</p>")

    response = stranger.post(path, {"shown": choices, "agreed": [tracking.pk]})

    assert response.status_code == 409
    assert "This text has changed meanwhile." in response.content.decode()
    assert "May we sell it?" in response.content.decode()
    assert not is_agreed(anna, tracking)


def test_the_agreement_is_to_the_text_that_was_shown(stranger, email, anna):
    tracking = make_consent("TrackingConsent", texts={"en": "<p>Yes?</p>", "fr": "<p>Oui?</p>"})
    record_agreement(anna, tracking, agreed=False)
    french = tracking.texts.get(language="fr")
    path = links_of(email).preferences

    stranger.post(path, {"shown": f"{tracking.pk}:no:{french.pk}", "agreed": tracking.pk})

    assert anna.agreements.get(consent=tracking, agreed=True).text == french


def test_a_text_of_another_consent_proves_nothing(stranger, email, anna, newsletter):
    tracking = make_consent("TrackingConsent")
    other = newsletter.texts.get(language="en")
    path = links_of(email).preferences

    response = stranger.post(path, {"shown": f"{tracking.pk}:no:{other.pk}", "agreed": tracking.pk})

    assert response.status_code == 409
    assert not is_agreed(anna, tracking)


@pytest.mark.parametrize(
    "given", ["", ":", "x:no:y", "0:no:0", "99999999999999999999:no:1", "1", "²:no:1", "-1:yes:1"]
)
def test_what_no_page_has_sent_changes_nothing(stranger, email, anna, given):
    path = links_of(email).preferences

    response = stranger.post(path, {"shown": given, "agreed": given.partition(":")[0]})

    assert response.status_code in (303, 409)
    assert answers(anna) == [("NewsletterConsent", True)]


def test_everything_is_taken_back_at_once(stranger, email, anna):
    tracking = make_consent("TrackingConsent")
    record_agreement(anna, tracking, agreed=True)
    record_agreement(anna, make_consent("OtherConsent"), agreed=False)
    path = links_of(email).preferences

    response = stranger.post(path, {"everything": "yes"})

    assert response.status_code == 303
    assert sorted(answers(anna)[3:]) == [("NewsletterConsent", False), ("TrackingConsent", False)]
    assert "everything" not in stranger.get(path).content.decode()


def test_a_consent_without_a_text_can_only_be_taken_back(stranger, email, anna, newsletter):
    for text in newsletter.texts.all():
        withdraw_text(text)
    path = links_of(email).preferences
    choices = shown(stranger.get(path))
    assert choices == [f"{newsletter.pk}:yes:"]

    stranger.post(path, {"shown": choices})

    assert not is_agreed(anna, newsletter)
    assert "There is nothing to choose" in stranger.get(path).content.decode()


def test_the_page_costs_the_same_with_many_consents(
    stranger, email, anna, django_assert_max_num_queries
):
    path = links_of(email).preferences
    for number in range(20):
        record_agreement(anna, make_consent(f"Consent{number}"), agreed=True)

    with django_assert_max_num_queries(6):
        stranger.get(path)


def test_the_page_speaks_the_language_of_the_text_last_agreed_to(stranger, email, anna):
    tracking = make_consent("TrackingConsent", texts={"en": "<p>Yes?</p>", "de": "<p>Ja?</p>"})
    record_agreement(anna, tracking, agreed=True, language="de-AT")

    page = stranger.get(links_of(email).preferences, headers={"Accept-Language": "fr"})

    assert heading(page) == "Ihre Auswahl"
    assert "Dürfen wir schreiben?" in page.content.decode()
    assert '<html lang="de">' in page.content.decode()


def test_every_language_says_everything():
    for words in wording._KNOWN.values():
        assert all(vars(words).values())


def test_nothing_is_changed_while_the_hub_is_read_only(stranger, email, anna, settings):
    settings.READ_ONLY = True

    response = stranger.post(links_of(email).unsubscribe, ONE_CLICK)

    assert (response.status_code, response["Retry-After"]) == (503, "120")
    assert answers(anna) == [("NewsletterConsent", True)]


def test_the_pages_answer_where_the_admin_does_not(stranger, email, settings):
    settings.ADMIN_HOSTS = ["admin.example.com"]

    assert stranger.get(links_of(email).unsubscribe).status_code == 200


def test_each_choice_is_called_by_its_consent(stranger, email, newsletter):
    page = stranger.get(links_of(email).preferences).content.decode()

    name = f"name-{newsletter.pk}"
    assert f'<h2 id="{name}">Newsletter</h2>' in page
    assert f'aria-labelledby="agree-{newsletter.pk} {name}"' in page


def test_the_page_to_unsubscribe_says_from_what_and_who_sends_it(stranger, email):
    for page in (
        stranger.get(links_of(email).unsubscribe),
        stranger.post(links_of(email).unsubscribe, ONE_CLICK),
    ):
        assert NAMED in page.content.decode()


def test_a_yes_to_an_earlier_text_that_counts_no_more_is_no_choice_yet(
    stranger, newsletter, anna, email
):
    newsletter.older_versions_count = False
    newsletter.save()
    save_text(newsletter, language="en", short_text="<p>Something else</p>")

    (choice,) = choices_of(anna.pk, ["en"])
    gave_up = choose(email, [Given(newsletter.pk, choice.text.pk, agreed=False)], ["en"])

    assert choice.agreed is False
    assert gave_up
    assert [agreed for _, agreed in answers(anna)] == [True, False]


def test_a_reader_who_revoked_does_not_agree(newsletter, anna, email):
    record_agreement(anna, newsletter, agreed=False)

    assert not is_agreed_by_reader(email, newsletter)
