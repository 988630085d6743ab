"""The form on the demo's website: who asks for a brochure gets an email with its link."""

from email import message_from_bytes, policy

import pytest
from django.conf import settings as project_settings
from django.test import Client

from activities.models import Activity, ActivityType, RejectedActivity
from automations.following import AUTOMATIONS
from automations.jobs import RUNS, TRANSACTIONAL_EMAILS
from automations.models import OutboxMessage
from contacts.models import Contact
from jobs.working import work_off
from readers.reading import begin, read_next
from tests.demo.storyless import load_without_story
from tests.factories import make_contact

HOST = f"main.localhost:{project_settings.PORT}"
EVENT = "file download request"


@pytest.fixture
def demo(settings, monkeypatch):
    settings.EMAIL_BACKEND = "automations.emails.outbox.EmailBackend"
    begin()
    load_without_story(monkeypatch)
    middleware = "config.demo.websites.DemoWebsitesMiddleware"
    if middleware not in settings.MIDDLEWARE:
        settings.MIDDLEWARE = [*settings.MIDDLEWARE, middleware]


def get(path):
    return Client().get(path, headers={"Host": HOST})


def ask(client=None, **fields):
    form = {"brochure": "first-home", "email": "ada@example.com", "first_name": "Ada", **fields}
    return (client or Client()).post("/brochures/", form, headers={"Host": HOST})


def work():
    """What workers do."""
    read_next(AUTOMATIONS)
    for job in (RUNS, TRANSACTIONAL_EMAILS):
        work_off(job)


@pytest.mark.django_db(transaction=True)
def test_visitor_who_asks_for_a_brochure_gets_an_email_with_its_link(demo):
    answer = ask()

    assert answer["Location"] == "/brochures/?asked=first-home"
    assert "“Buying your first home” is on its way" in get(answer["Location"]).text
    work()
    email = message_from_bytes(bytes(OutboxMessage.objects.get().raw), policy=policy.default)
    link = f"http://{HOST}/brochures/first-home/"
    assert email["To"] == "ada@example.com"
    assert link in email.get_body(("plain",)).get_content()
    assert "Count what you can pay each month" in get("/brochures/first-home/").text


@pytest.mark.django_db
def test_event_is_that_of_a_program(demo):
    ask()

    contact = Contact.objects.get(email="ada@example.com")
    activity = Activity.objects.get()
    assert (activity.contact, activity.type.code_name) == (contact, EVENT)
    assert contact.first_name == "Ada"
    assert activity.value == f"http://{HOST}/brochures/first-home/"
    assert ActivityType.objects.get(code_name=EVENT).door == "activecampaign"
    assert not RejectedActivity.objects.exists()


@pytest.mark.django_db
def test_contact_who_is_known_stays_who_they_are(demo):
    contact = make_contact(email="ada@example.com", first_name="Augusta")

    ask(email=" ADA@example.com ", first_name="")

    assert Activity.objects.get().contact == contact
    contact.refresh_from_db()
    assert contact.first_name == "Augusta"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"email": ""}, "Enter the email address"),
        ({"email": "nonsense"}, "email"),
        ({"email": "a\0@example.com"}, "NUL"),
        ({"email": "a" * 300 + "@example.com"}, "254"),
        ({"brochure": "<b>none</b>"}, "Choose one of the brochures."),
        ({"first_name": "A" * 200}, "100"),
    ],
)
def test_form_says_what_is_wrong(demo, fields, problem):
    answer = ask(**fields)

    assert answer.status_code == 200
    _, _, alert = answer.text.partition('role="alert">')
    assert problem in alert.partition("</p>")[0]
    assert "<b>none" not in answer.text
    assert not Activity.objects.exists()


@pytest.mark.django_db
def test_form_needs_its_token(demo):
    assert ask(Client(enforce_csrf_checks=True)).status_code == 403
    assert not Contact.objects.exists()


@pytest.mark.django_db
def test_form_has_its_token(demo):
    client = Client(enforce_csrf_checks=True)
    client.get("/brochures/", headers={"Host": HOST})
    token = client.cookies["csrftoken"].value

    assert ask(client, csrfmiddlewaretoken=token).status_code == 302


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/brochures/first-home/", "/loans/"])
def test_other_pages_take_no_forms(demo, path):
    assert Client().post(path, headers={"Host": HOST}).status_code == 405


@pytest.mark.django_db
def test_brochure_that_does_not_exist_is_not_found(demo):
    assert get("/brochures/none/").status_code == 404
    assert "on its way" not in get("/brochures/?asked=none").text
