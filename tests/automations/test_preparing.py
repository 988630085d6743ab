"""Preparing emails: one for each run, rendered once, or held back with a reason."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from automations.emails.preparing import Held, prepare, prepare_again
from automations.models import Automation, Email, Run, Suppression, Template, Version
from consents.agreements import record_agreement
from tests.automations.emails import send
from tests.factories import make_activity, make_activity_type, make_consent, make_contact

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def sender(settings):
    settings.DEFAULT_FROM_EMAIL = "Alder Bank <hub@alder.example>"


def make_template(**fields):
    return Template.objects.create(
        **{
            "name": "Brochure",
            "code_name": "brochure",
            "subject": "Hello {{ contact.first_name | default: 'there' }}",
            "blocks": [
                {"type": "text", "html": "<p>It is here:</p>"},
                {"type": "button", "label": "Download", "url": "%EVENT: file download request%"},
            ],
            **fields,
        }
    )


def make_run(contact, **fields):
    automation, _ = Automation.objects.get_or_create(code_name="send", defaults={"name": "Send"})
    version, _ = Version.objects.get_or_create(
        automation=automation, number=1, defaults={"trigger": {}, "steps": []}
    )
    return Run.objects.create(
        automation=automation,
        version=version,
        contact=contact,
        entered_as=contact.pk,
        **{
            "cause": "activity",
            "event_name": "file download request",
            "event_data": "https://files.example.com/1.pdf",
            **fields,
        },
    )


def test_each_run_gets_its_email_with_its_own_event(mailbox):
    ada = make_contact(email="ada@example.com", first_name="Ada")
    nobody = make_contact(email="nobody@example.com")
    urls = [f"https://files.example.com/{number}.pdf" for number in range(3)]
    runs = [
        make_run(contact, event_data=url)
        for contact, url in zip((ada, ada, nobody), urls, strict=True)
    ]

    assert prepare(make_template(), runs, "send") == {}

    emails = [Email.objects.get(run=run) for run in runs]
    assert [email.subject for email in emails] == ["Hello Ada", "Hello Ada", "Hello there"]
    for email, url in zip(emails, urls, strict=True):
        assert url in email.html
        assert url in email.text
        assert (email.status, email.step, email.is_transactional) == ("prepared", "send", True)
        assert email.sender == "Alder Bank <hub@alder.example>"
        assert email.message_id.endswith("@alder.example")
    send()
    assert mailbox.count_by_id() == {email.message_id: 1 for email in emails}


def test_a_run_gets_the_email_of_a_step_once():
    run = make_run(make_contact(email="ada@example.com"))
    template = make_template()

    prepare(template, [run], "send")
    prepare(template, [run], "send")
    prepare(template, [run], "remind")

    assert list(Email.objects.order_by("pk").values_list("step", flat=True)) == ["send", "remind"]


def test_the_number_of_queries_does_not_grow_with_the_contacts():
    make_activity_type("file download request")
    template = make_template(consent=make_consent("Newsletter"))

    def count(people):
        runs = [
            make_run(make_contact(email=f"{people}-{number}@example.com", first_name="A"))
            for number in range(people)
        ]
        for run in runs:
            record_agreement(run.contact, template.consent, agreed=True)
        with CaptureQueriesContext(connection) as queries:
            prepare(template, runs, "send")
        return len(queries)

    count(1)
    assert count(3) == count(30)


def test_a_missing_value_holds_the_email_back_with_a_reason():
    run = make_run(make_contact(email="ada@example.com"), event_name="", event_data="")

    reasons = prepare(make_template(), [run], "send")

    held = Email.objects.get()
    assert held.status == "held"
    assert "file download request" in held.reason
    assert reasons == {run.pk: held.reason}


@pytest.mark.parametrize(
    ("obstacle", "reason"),
    [
        ("no email", "The contact has no email."),
        ("no answer", "The contact has not agreed to “Newsletter”."),
        ("revoked", "The contact has revoked “Newsletter”."),
        ("suppressed", "The address of the contact does not exist: an email came back."),
    ],
)
def test_who_may_get_no_email_has_it_held_back(obstacle, reason):
    consent = make_consent("Newsletter", name="Newsletter")
    contact = make_contact(email="" if obstacle == "no email" else "ada@example.com")
    if obstacle != "no answer":
        record_agreement(contact, consent, agreed=obstacle != "revoked")
    if obstacle == "suppressed":
        Suppression.objects.create(email_key="ada@example.com", reason="bounced")
    run = make_run(contact)

    reasons = prepare(make_template(consent=consent), [run], "send")

    assert reasons == {run.pk: reason}
    held = Email.objects.get()
    assert (held.status, held.reason, held.html) == ("held", reason, "")


def test_a_hub_without_a_sender_says_so(settings):
    settings.DEFAULT_FROM_EMAIL = "hub"
    run = make_run(make_contact(email="ada@example.com"))

    reasons = prepare(make_template(), [run], "send")

    assert reasons[run.pk].startswith("The email has no sender: The address has no domain")


def test_a_template_has_a_sender_of_its_own():
    template = make_template(
        from_name="Ada\nat “Alder”", from_email="ada@bücher.example", reply_to="help@alder.example"
    )

    prepare(template, [make_run(make_contact(email="bob@example.com"))], "send")

    email = Email.objects.get()
    assert email.sender == "Ada at “Alder” <ada@xn--bcher-kva.example>"
    assert email.message_id.endswith("@xn--bcher-kva.example")
    assert email.reply_to == "help@alder.example"


def test_a_template_that_cannot_be_read_holds_all_emails_back():
    template = make_template(subject="{% nonsense %}")
    runs = [make_run(make_contact(email=f"{number}@example.com")) for number in range(2)]

    reasons = prepare(template, runs, "send")

    assert set(reasons) == {run.pk for run in runs}
    assert all("nonsense" in reason for reason in reasons.values())


def test_a_held_email_is_rendered_anew_from_the_template_as_it_is_now():
    template = make_template()
    run = make_run(make_contact(email="ada@example.com"), event_name="", event_data="")
    prepare(template, [run], "send")
    held = Email.objects.get()
    with pytest.raises(Held, match="file download request"):
        prepare_again(held)

    make_activity(
        run.contact,
        type=make_activity_type("file download request"),
        value="https://files.example.com/2.pdf",
    )
    prepare_again(held)

    assert "https://files.example.com/2.pdf" in held.html
    held.template = None
    with pytest.raises(Held, match="deleted"):
        prepare_again(held)
