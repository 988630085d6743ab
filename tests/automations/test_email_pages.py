"""Emails and suppressed addresses in the admin."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from adminsite.formatting import change_url, changelist_url
from automations.models import Email, Suppression
from tests.automations.emails import make_email, send, state_of
from tests.automations.test_preparing import make_run, make_template
from tests.factories import make_consent, make_contact

pytestmark = pytest.mark.django_db


def press_send(client, email):
    return client.post(reverse("admin:automations_email_send", args=[email.pk]), follow=True)


def test_the_page_of_an_email_shows_it_and_what_became_of_it(admin_client):
    email = make_email(
        make_contact(email="ada@example.com"),
        status="failed",
        reason="550 5.1.1 No such user",
        html="<p>Hello Ada</p>",
    )
    email.events.create(contact=email.contact, kind="bounced", severity="hard", detail="No user")

    page = admin_client.get(change_url(email)).text

    for text in ("550 5.1.1 No such user", "Refused by the mail server", "ada@example.com"):
        assert text in page
    assert "&lt;p&gt;Hello Ada&lt;/p&gt;" in page
    assert "The address does not exist. No user" in page


def test_users_who_may_not_see_contacts_see_no_addresses_and_no_contents(log_in):
    contact = make_contact(email="ada@example.com", first_name="Ada")
    email = make_email(contact, subject="Hello Ada", html="<p>Hello Ada</p>", text="Hello Ada")
    client = log_in("view_email")

    for page in (client.get(changelist_url(Email)).text, client.get(change_url(email)).text):
        assert "Ada" not in page
        assert "ada@example.com" not in page
        assert str(contact.guid) in page


def test_users_who_may_not_see_contacts_see_no_details_of_events(log_in, admin_client):
    email = make_email(make_contact(email="ada@example.com"))
    link = "https://example.com/?email=ada@example.com"
    email.events.create(contact=email.contact, kind="clicked", detail=link)

    hidden = log_in("view_email").get(change_url(email)).text
    seen = admin_client.get(change_url(email)).text

    assert "Clicked" in hidden
    assert "ada@example.com" not in hidden
    assert link in seen


@pytest.mark.parametrize(
    "state",
    [
        {"status": "uncertain", "reason": "?", "times_uncertain": 1, "uncertain_at": timezone.now},
        {"status": "failed", "reason": "550 No"},
        {"status": "prepared", "attempts": 3, "last_error": "451 Later"},
    ],
    ids=["uncertain", "failed", "put off"],
)
def test_a_user_sends_an_email_again(admin_client, mailbox, state):
    given = {name: value() if callable(value) else value for name, value in state.items()}
    email = make_email(**given)
    Email.objects.update(due_at=timezone.now() + timedelta(days=1))

    assert "Send it now?" in admin_client.get(change_url(email)).text
    assert "A worker sends the email in a moment" in press_send(admin_client, email).text
    send()

    sent = state_of(email)
    assert (sent.status, sent.reason, sent.attempts) == ("sent", "", 0)
    assert sent.times_uncertain == given.get("times_uncertain", 0)
    assert mailbox.count_by_id() == {email.message_id: 1}


def test_a_held_email_is_made_anew_and_stays_held_if_it_cannot_be(admin_client, mailbox):
    template = make_template()
    run = make_run(make_contact(email="ada@example.com"), event_name="", event_data="")
    held = make_email(
        run.contact, template=template, run=run, status="held", reason="No data.", html="", text=""
    )

    assert "still held back" in press_send(admin_client, held).text
    assert state_of(held).status == "held"
    template.blocks = [{"type": "text", "html": "<p>Sorry</p>"}]
    template.changed_at = timezone.now()
    template.save()
    press_send(admin_client, held)
    send()

    assert state_of(held).status == "sent"
    assert "Sorry" in mailbox.received[0].html


def test_an_email_that_was_sent_is_not_sent_again(admin_client, mailbox):
    email = make_email(status="sent", sent_at=timezone.now())

    assert "Send it now?" not in admin_client.get(change_url(email)).text
    assert "was sent meanwhile" in press_send(admin_client, email).text
    send()

    assert mailbox.received == []


def test_sending_needs_a_permission(log_in):
    email = make_email(status="failed", reason="No")
    client = log_in("view_email", "view_contact")

    assert "Send it now?" not in client.get(change_url(email)).text
    press_send(client, email)

    assert state_of(email).status == "failed"


def test_uncertain_emails_are_found_and_counted(admin_client):
    now = timezone.now()
    make_email(subject="Quiet")
    make_email(
        subject="Doubtful", status="uncertain", reason="?", times_uncertain=1, uncertain_at=now
    )
    make_email(subject="Twice", status="sent", sent_at=now, times_uncertain=1, uncertain_at=now)

    ever = admin_client.get(changelist_url(Email, "uncertain=ever")).text
    assert "Doubtful" in ever
    assert "Twice" in ever
    assert "Quiet" not in ever
    dashboard = admin_client.get(reverse("admin:index")).text
    assert "Uncertain emails" in dashboard
    now_uncertain = admin_client.get(changelist_url(Email, "status__exact=uncertain")).text
    assert "Doubtful" in now_uncertain
    assert "Twice" not in now_uncertain


@pytest.mark.parametrize("term", ["ada@example.com", "guid", "message id"])
def test_emails_are_found_by_their_contact_and_message_id(admin_client, term):
    contact = make_contact(email="ada@example.com")
    email = make_email(contact, subject="Wanted")
    make_email(subject="Other")
    words = {"guid": str(contact.guid), "message id": f"<{email.message_id}>"}

    page = admin_client.get(changelist_url(Email), {"q": words.get(term, term)}).text

    assert "Wanted" in page
    assert "Other" not in page


def add_suppression(client, email, detail="Called us"):
    url = reverse("admin:automations_suppression_add")
    return client.post(url, {"email": email, "detail": detail}, follow=True)


def test_a_user_suppresses_an_address_and_releases_it(admin_client, mailbox):
    contact = make_contact(email="ada@bücher.example")

    add_suppression(admin_client, "ADA@bücher.example")

    suppression = Suppression.objects.get()
    assert (suppression.email_key, suppression.reason) == ("ada@xn--bcher-kva.example", "user")
    email = make_email(contact)
    send()
    assert state_of(email).status == "held"
    admin_client.post(
        reverse("admin:automations_suppression_delete", args=[suppression.pk]), {"post": "yes"}
    )
    press_send(admin_client, make_email(contact))
    send()
    assert len(mailbox.received) == 1


@pytest.mark.parametrize(
    ("email", "says"),
    [("ada", "Enter a valid email address."), ("bob@example.com", "gets no emails already")],
)
def test_an_address_that_cannot_be_suppressed_is_refused(admin_client, email, says):
    Suppression.objects.create(email_key="bob@example.com", reason="bounced")

    assert says in add_suppression(admin_client, email).text
    assert Suppression.objects.count() == 1


def test_suppressed_addresses_are_for_users_who_may_see_contacts(log_in):
    Suppression.objects.create(email_key="ada@example.com", reason="bounced")

    client = log_in("view_suppression")

    assert client.get(changelist_url(Suppression)).status_code == 403


def test_a_held_email_shows_no_places_and_what_it_needs(admin_client):
    contact = make_contact(email="ada@example.com")
    email = make_email(
        contact,
        consent=make_consent("Newsletter", name="News"),
        subject="Hello {{ contact.first_name }}, %EVENT: order%",
        status="held",
        reason="The contact has revoked “News”.",
    )

    page = admin_client.get(change_url(email)).text

    assert "Needs agreement to “News”" in page
    assert page.index("has revoked") < page.index("Send it now?")
    for url in (changelist_url(Email), change_url(email), change_url(contact)):
        text = admin_client.get(url).text
        assert "Hello …, …" in text
        assert "contact.first_name" not in text
