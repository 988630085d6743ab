"""Templates are saved in their normal form, refused with their mistakes, and kept while in use."""

import pytest
from django.core.exceptions import ValidationError

from automations.emails.rendering import render
from automations.emails.saving import TemplateInUse, delete_template, save_template
from automations.models import Automation, Email, Run, Template
from automations.saving import save_automation
from tests.automations.mails import make_email
from tests.automations.test_rendering import ANN, LINKS, TEXT, template_of
from tests.factories import make_consent, make_contact

pytestmark = pytest.mark.django_db


def test_a_template_is_saved_in_its_normal_form_and_rendered_anew_after_a_change():
    template = template_of({"type": "text", "html": "<p onclick='x()'>Old</p>"})
    save_template(template)
    assert template.blocks == [{"type": "text", "html": "<p>Old</p>"}]
    assert "Old" in render(Template.objects.get(), ANN, LINKS).html

    again = Template.objects.get()
    again.blocks = [{"type": "text", "html": "<p>New</p>"}]
    save_template(again)

    assert "New" in render(Template.objects.get(), ANN, LINKS).html
    assert again.changed_at > template.changed_at


@pytest.mark.parametrize(
    ("fields", "field", "said"),
    [
        ({"subject": "Hello\nBcc: all@example.com"}, "subject", "take the line break out"),
        ({"subject": "Hello\r"}, "subject", "take the line break out"),
        ({"subject": " "}, "subject", "needs a subject"),
        ({"subject": "{% frobnicate %}"}, "subject", "no tag that texts can use"),
        ({"preheader": "{{ contact.shoe_size }}"}, "preheader", "There is no value"),
        ({"from_name": "Bank\nBcc: x"}, "from_name", "take the line break out"),
        (
            {"blocks": [{"type": "heading", "text": "{% x %}"}]},
            "blocks",
            "blocks[0].text: “{% x %}”",
        ),
        (
            {
                "blocks": [
                    TEXT,
                    {"type": "text", "html": "{% for i in (1..10000000) %}x{% endfor %}"},
                ]
            },
            "blocks",
            "blocks[1]: A loop has more than 10,000 rounds.",
        ),
        (
            {
                "blocks": [
                    {
                        "type": "text",
                        "html": "{% for i in (1..9999) %}" + "x" * 999 + "{% endfor %}",
                    }
                ]
            },
            "blocks",
            "blocks[0]: The text comes to more than 100 kB.",
        ),
        (
            {"blocks": [{"type": "button", "label": "x", "url": "{{ confirm.Nothing }}"}]},
            "blocks",
            "There is no consent “Nothing”",
        ),
    ],
)
def test_what_no_email_can_be_is_not_saved(fields, field, said):
    with pytest.raises(ValidationError) as caught:
        save_template(template_of(**fields))

    assert said in caught.value.message_dict[field][0]
    assert not Template.objects.exists()


def test_a_link_may_confirm_a_consent_that_there_is():
    make_consent("Newsletter")

    save_template(
        template_of({"type": "button", "label": "Yes", "url": "{{ confirm.newsletter }}"})
    )


def automation_that_sends(code_name):
    automation = Automation(
        name="Brochure",
        code_name="brochure",
        steps=[
            {
                "type": "if",
                "rule": {"match": "all", "conditions": []},
                "then": [{"type": "email", "template": code_name}],
                "else": [],
            }
        ],
    )
    save_automation(automation)
    return automation


def test_a_template_that_an_automation_sends_stays_under_its_name():
    template = template_of(TEXT)
    save_template(template)
    automation_that_sends("X")

    with pytest.raises(TemplateInUse, match="“Brochure” send it"):
        delete_template(template)
    template.code_name = "y"
    with pytest.raises(ValidationError, match="“Brochure” names the template by it"):
        save_template(template)


def test_a_template_that_contacts_wait_for_stays_though_the_automation_has_changed():
    template = template_of(TEXT)
    save_template(template)
    automation = automation_that_sends("x")
    contact = make_contact()
    run = Run.objects.create(
        automation=automation,
        version=automation.versions.get(),
        contact=contact,
        entered_as=contact.pk,
        cause=Run.Cause.USER,
    )
    automation.steps = []
    save_automation(automation)

    with pytest.raises(TemplateInUse):
        delete_template(template)
    Run.objects.filter(pk=run.pk).update(status="stopped", finished_at=run.entered_at)
    email = make_email(template=template)

    delete_template(template)

    assert Email.objects.get(pk=email.pk).template is None
