"""The pages of email templates: the list, the form, the preview and the test."""

import json

import pytest
from django.core import mail
from django.urls import reverse

from adminsite.formatting import change_url
from automations.emails.saving import save_template
from automations.models import Automation, Template
from automations.saving import save_automation
from tests.admin.pages import form_on
from tests.automations.mails import make_email
from tests.factories import make_activity, make_activity_type, make_consent, make_contact

pytestmark = pytest.mark.django_db

LIST_URL = "/admin/automations/template/"
ADD_URL = f"{LIST_URL}add/"
FILE = "file download request"
HEADING = {"type": "heading", "text": "Hello {{ contact.first_name }}"}
BUTTON = {"type": "button", "label": "Download", "url": f"%EVENT: {FILE}%"}


@pytest.fixture(autouse=True)
def no_mail_server(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"


def make_template(*blocks, code_name="brochure", **fields):
    template = Template(
        code_name=code_name,
        **{"name": code_name.title(), "subject": "Your file", "blocks": blocks, **fields},
    )
    save_template(template)
    return template


def make_automation(name, *templates, **fields):
    automation = Automation(
        name=name,
        code_name=name.lower(),
        steps=[{"type": "email", "template": template} for template in templates],
        **fields,
    )
    save_automation(automation)
    return automation


def posted(**fields):
    given = {"name": "Brochure", "code_name": "brochure", "subject": "Your file"}
    given |= {"consent": "transactional", **fields}
    given["blocks"] = json.dumps(given.get("blocks", [HEADING]))
    return given


def ask(client, name="preview", **given):
    given = {"subject": "Your file", "blocks": [HEADING], **given}
    url = reverse(f"admin:automations_template_{name}")
    return client.post(url, given, content_type="application/json")


# The list


def test_an_empty_list_says_what_templates_are(admin_client):
    page = admin_client.get(LIST_URL)

    assert "No email templates yet" in page.text


def test_the_list_says_what_a_template_needs_and_who_sends_it(
    admin_client, django_assert_max_num_queries
):
    make_template(name="Brochure", consent=make_consent("Newsletter", name="News"))
    template = make_template(name="Receipt", code_name="receipt")
    make_automation("Sale", "RECEIPT", "receipt")
    make_automation("Old", "receipt", archived_at="2026-01-01T00:00:00Z")
    for _ in range(2):
        make_email(template=template)
    make_email(template=template, status="held", reason="x", sent_at=None)

    page = admin_client.get(LIST_URL)

    rows = {row.name: row for row in page.context["cl"].result_list}
    assert (rows["Receipt"].users, rows["Receipt"].sent) == ("Sale", 2)
    assert (rows["Brochure"].users, rows["Brochure"].sent) == ("", 0)
    assert "News" in page.text
    assert "Transactional" in page.text
    for number in range(10):
        make_template(code_name=f"more-{number}")
        make_automation(f"More{number}", f"more-{number}")
    with django_assert_max_num_queries(12):
        admin_client.get(LIST_URL)


# The form


def test_a_template_is_added_and_changed(admin_client):
    answer = admin_client.post(ADD_URL, posted())

    template = Template.objects.get()
    assert answer.url == change_url(template)
    assert template.blocks == [HEADING]
    page = admin_client.get(answer.url)
    initial = page.context["adminform"].form["blocks"].value()
    admin_client.post(
        answer.url,
        {**posted(blocks=[BUTTON]), "initial-blocks": initial, "subject": "New"},
    )
    template.refresh_from_db()
    assert (template.subject, template.blocks) == ("New", [BUTTON])


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"blocks": [{"type": "text", "html": "a\n{% frobnicate %}"}]}, "blocks[0].html"),
        ({"blocks": [{"type": "moon"}]}, "blocks[0].type"),
        ({"blocks": "text"}, "Must be a list of blocks"),
        (
            {"blocks": [{"type": "text", "html": "{% for i in (1..99999) %}x{% endfor %}"}]},
            "A loop",
        ),
        ({"subject": "Hello {{ contact.shoe_size }}"}, "There is no value"),
        ({"from_name": "{{"}, None),
    ],
)
def test_mistakes_are_said_on_the_form(admin_client, fields, said):
    page = admin_client.post(ADD_URL, posted(**fields))

    assert page.status_code == (200 if said else 302)
    assert said is None or said in page.text
    assert Template.objects.exists() == (said is None)


@pytest.mark.parametrize("blocks", ["", "{", "[" * 100_000, "null"])
def test_what_is_no_json_is_no_template(admin_client, blocks):
    page = admin_client.post(ADD_URL, {**posted(), "blocks": blocks})

    assert page.status_code == 200
    assert not Template.objects.exists()


def test_the_form_offers_the_events_that_there_are(admin_client):
    make_activity_type(FILE, name="File download request", door="activecampaign")
    make_activity_type("off", enabled=False)
    make_consent("Newsletter")

    page = admin_client.get(ADD_URL)

    offers = page.context["adminform"].form.fields["blocks"].widget.offers
    assert offers["events"] == [(f"%EVENT: {FILE}%", "File download request")]
    assert ("{{ contact.first_name }}", "First name") in offers["fields"]
    assert [text for text, _ in offers["consents"]] == ['{{ confirm["Newsletter"] }}']


def test_the_preview_may_load_pictures_and_no_other_page_of_the_admin(admin_client):
    policy = admin_client.get(ADD_URL).headers["Content-Security-Policy"]

    assert "img-src 'self' data: https:" in policy
    assert "https:" not in admin_client.get(LIST_URL).headers["Content-Security-Policy"]


def test_a_template_that_an_automation_sends_is_not_deleted(admin_client):
    template = make_template(HEADING)
    automation = make_automation("Welcome", "brochure")
    delete_url = reverse("admin:automations_template_delete", args=[template.pk])

    page = admin_client.post(delete_url, {"post": "yes"}, follow=True)

    assert "“Welcome” send it" in page.text
    automation.steps = []
    save_automation(automation)
    admin_client.post(delete_url, {"post": "yes"})
    assert not Template.objects.exists()


def test_the_page_says_which_automations_send_it(admin_client):
    template = make_template(HEADING)
    assert "No automation yet" in admin_client.get(change_url(template)).text

    make_automation("Welcome", "brochure")

    assert "Welcome" in admin_client.get(change_url(template)).text


# The preview


def test_the_preview_is_of_a_sample_or_of_a_contact(admin_client):
    contact = make_contact(first_name="Ann <b>")
    make_activity(
        contact, type=make_activity_type(FILE, door="x"), value="https://a.example/file.pdf"
    )
    given = {"blocks": [HEADING, BUTTON], "subject": "For {{ contact.first_name }}"}

    sample = ask(admin_client, **given).json()
    found = ask(admin_client, contact=contact.pk, **given).json()

    assert sample["subject"] == "For Alex"
    assert "Hello Alex" in sample["light"]
    assert found["subject"] == "For Ann <b>"
    assert "Hello Ann &lt;b&gt;" in found["light"]
    assert 'href="https://a.example/file.pdf"' in found["light"]
    assert found["text"].startswith("Hello Ann <b>\n")


def test_the_preview_is_light_or_dark_whatever_the_browser_is(admin_client):
    found = ask(admin_client).json()

    assert "prefers-color-scheme" not in found["light"] + found["dark"]
    assert "@media not all {" in found["light"]
    assert "@media all {" in found["dark"]


def test_the_preview_says_what_would_hold_the_email_back(admin_client):
    contact = make_contact(last_name="Lee")

    assert ask(admin_client, contact=contact.pk).json() == {
        "held": "The contact has no first name."
    }


def test_the_preview_says_what_is_wrong_and_where(admin_client):
    found = ask(
        admin_client, blocks=[HEADING, {"type": "heading"}], subject="{% x %}", consent="999999"
    ).json()

    assert found["errors"]["blocks"] == ["blocks[1].text: Is missing from a block of type heading."]
    assert "no tag" in found["errors"]["subject"][0]


def test_an_email_is_shown_before_it_has_a_subject_and_not_sent(admin_client):
    assert ask(admin_client, subject=" ").json()["subject"] == "No subject yet"
    answer = ask(admin_client, "test", to="me@example.com", subject=" ").json()
    assert answer["errors"]["subject"] == ["An email needs a subject."]


@pytest.mark.parametrize(
    "body", ["", "[]", "{", "null", '{"blocks": {"a": 1}}', '{"subject": 7}', "[" * 10_000]
)
def test_the_preview_of_nonsense_is_an_answer(admin_client, body):
    url = reverse("admin:automations_template_preview")

    answer = admin_client.post(url, body, content_type="application/json")

    assert answer.status_code in (200, 400)
    assert answer.json().keys() <= {"failure", "errors"}


def test_nobody_makes_a_transactional_template_by_overlooking_the_consent(admin_client):
    page = admin_client.get(ADD_URL)
    refused = admin_client.post(ADD_URL, posted(consent=""))

    assert form_on(page).get("consent", "") == ""
    assert "add_id_consent" in page.text
    assert "change_id_consent" not in page.text
    assert refused.context["adminform"].form.errors == {"consent": ["This field is required."]}
    assert not Template.objects.exists()


def test_whether_a_template_is_transactional_is_chosen(admin_client):
    newsletter = make_consent("newsletter")
    admin_client.post(ADD_URL, posted())
    template = Template.objects.get()
    assert template.is_transactional
    url = change_url(template)

    given = form_on(admin_client.get(url))
    assert given["consent"] == "transactional"
    admin_client.post(url, {**given, "consent": newsletter.pk})
    template.refresh_from_db()
    assert template.consent == newsletter
    admin_client.post(url, {**form_on(admin_client.get(url)), "consent": "transactional"})
    template.refresh_from_db()
    assert template.is_transactional


def test_a_choice_that_a_colleague_made_meanwhile_is_said(admin_client):
    template = make_template(HEADING, consent=make_consent("newsletter"))
    url = change_url(template)
    given = form_on(admin_client.get(url))
    Template.objects.update(consent=None)

    refused = admin_client.post(url, {**given, "consent": make_consent("offers").pk})

    assert "this has become “Transactional: part of what a contact has asked for" in refused.text


def test_contacts_are_found_for_the_preview(admin_client):
    contact = make_contact(first_name="Nina", email="nina@example.com")
    make_contact(first_name="Otto")
    url = reverse("admin:automations_template_contacts")

    assert admin_client.get(url, {"q": "nin"}).json() == {
        "contacts": [{"id": contact.pk, "name": str(contact)}]
    }
    assert admin_client.get(url, {"q": ""}).json() == {"contacts": []}
    assert admin_client.get(url, {"q": "a\0"}).json() == {"contacts": []}


# The test


def test_a_test_goes_to_the_address_that_is_given(admin_client):
    answer = ask(
        admin_client,
        "test",
        to="me@example.com",
        from_name="Alder Bank",
        from_email="bank@example.com",
        reply_to="desk@example.com",
        contact=make_contact(first_name="Ann").pk,
    )

    assert "me@example.com" in answer.json()["done"]
    [message] = mail.outbox
    assert message.subject == "Test: Your file"
    assert message.from_email == "Alder Bank <bank@example.com>"
    assert (message.to, message.reply_to) == (["me@example.com"], ["desk@example.com"])
    assert message.body == "Hello Ann\n"
    assert "Hello Ann" in message.alternatives[0].content


@pytest.mark.parametrize(
    "to", ["", "me", "me@", "a@example.com, b@example.com", "a@example.com\nBcc: b@c.de", 7]
)
def test_a_test_goes_to_one_address(admin_client, to):
    assert "Write a whole email address" in ask(admin_client, "test", to=to).json()["failure"]
    assert mail.outbox == []


def test_a_test_that_the_mail_server_refuses_is_told(admin_client, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1

    answer = ask(admin_client, "test", to="me@example.com").json()

    assert "The mail server did not take it" in answer["failure"]


def test_a_template_with_mistakes_is_not_sent_as_a_test(admin_client):
    answer = ask(admin_client, "test", to="me@example.com", subject="{% x %}").json()

    assert "subject" in answer["errors"]
    assert mail.outbox == []


# What users may see


@pytest.mark.parametrize(
    ("permissions", "expected"),
    [
        ((), 403),
        (("view_template", "view_contact"), 403),
        (("add_template",), 200),
        (("change_template", "view_template"), 200),
    ],
)
def test_who_may_write_templates_may_see_and_test_them(log_in, permissions, expected):
    client = log_in(*permissions)

    assert ask(client).status_code == expected
    assert ask(client, "test", to="me@example.com").status_code == expected


def test_users_who_may_not_see_contacts_see_samples(log_in):
    contact = make_contact(first_name="Nina")
    client = log_in("change_template", "view_template")

    assert "Nina" not in ask(client, contact=contact.pk).json()["text"]
    url = reverse("admin:automations_template_contacts")
    assert client.get(url, {"q": "nina"}).status_code == 403
    page = client.get(change_url(make_template(HEADING)))
    assert 'data-contacts-url=""' in page.text


def test_users_who_may_only_look_see_the_template(log_in):
    template = make_template(HEADING)
    client = log_in("view_template")

    page = client.get(change_url(template))

    assert page.status_code == 200
    assert "  &quot;text&quot;: &quot;Hello {{ contact.first_name }}&quot;" in page.text
    assert "templateBuilder" not in page.text
