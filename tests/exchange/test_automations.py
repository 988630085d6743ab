"""Email templates and automations in configuration files."""

import pytest
from django.core.management import CommandError

from automations.models import Automation, Run, Template, Version
from exchange.dumping import dump
from exchange.loading import load
from exchange.problems import InvalidConfiguration
from groups.models import ContactGroup
from tests.exchange.conftest import run
from tests.factories import make_consent, make_contact, make_group

pytestmark = pytest.mark.django_db

STORY = """
- kind: template
  code_name: brochure
  name: Brochure
  consent: null
  subject: Your file
  preheader: ""
  from_name: Alder Bank
  blocks:
  - {type: heading, text: "Hello {{ contact.first_name | default: 'there' }}"}
  - {type: text, html: "<p>It is here:</p>"}
  - {type: button, label: Download, url: "%EVENT: file download request%"}
- kind: automation
  code_name: send-brochure
  name: Send the brochure
  enabled: true
  trigger:
    {type: activity, activities: [file download request], rule: {match: all, conditions: []}}
  runs: many
  steps:
  - {type: email, template: brochure, late: {after: 2 hours, then: skip}}
  - {type: wait, for: 2 days}
  - {type: wait, until: "09:00", weekdays: [mon, tue, wed, thu, fri], zone: contact}
  - {type: wait, rule: {match: all, conditions: [{type: consent, consent: Mail}]}, at_most: 7 days}
  - type: if
    rule: {match: all, conditions: [{type: country, values: [USA]}]}
    then:
    - {type: log_activity, activity: custom_brochure_sent, value: "%EVENT: file download request%"}
    else:
    - {type: set_field, field: notes, value: "Asked for the brochure"}
  - {type: split, shares: [50, 50], branches: [[{type: group, add: newsletter}], []]}
  - {type: stop}
"""


@pytest.fixture(autouse=True)
def named_by_the_story():
    make_consent("Mail")
    make_group("newsletter")


def automation(*steps, code_name="a", **members):
    return {
        "kind": "automation",
        "code_name": code_name,
        "name": code_name.title(),
        "steps": list(steps),
        **members,
    }


def template(code_name="brochure", **members):
    return {
        "kind": "template",
        "code_name": code_name,
        "name": code_name.title(),
        "subject": "Your file",
        **members,
    }


EMAIL = {"type": "email", "template": "brochure"}
WAIT = {"type": "wait", "for": "2 days"}


def test_a_template_and_the_automation_that_sends_it_load_in_any_order(loaded):
    found = loaded(STORY)

    assert found.created == ["automation/send-brochure", "template/brochure"]
    saved = Automation.objects.get()
    assert (saved.name, saved.enabled, saved.runs, saved.version) == (
        *("Send the brochure", True, "many", 1),
    )
    assert saved.trigger["activities"] == ["file download request"]
    assert [step["type"] for step in saved.steps] == [
        *("email", "wait", "wait", "wait", "if", "split", "stop"),
    ]
    assert all(step["key"] for step in saved.steps)
    assert Version.objects.get().steps == saved.steps
    assert Template.objects.get().blocks[2]["url"] == "%EVENT: file download request%"


def test_loading_an_automation_again_changes_nothing(loaded):
    loaded(STORY)
    before = Automation.objects.get().steps

    again = loaded(STORY)

    assert again.unchanged == ["automation/send-brochure", "template/brochure"]
    assert (Automation.objects.get().steps, Version.objects.count()) == (before, 1)


def test_another_spelling_of_a_step_is_no_new_version(loaded):
    loaded([template(), automation(EMAIL, WAIT)])

    again = loaded(automation({**EMAIL, "late": {"after": "1 hour"}}, {**WAIT, "for": "2 Day"}))

    assert (again.unchanged, Version.objects.count()) == (["automation/a"], 1)


def test_another_step_is_a_new_version_that_keeps_the_keys_of_the_others(loaded):
    loaded([template(), automation(EMAIL, WAIT)])
    before = Automation.objects.get().steps

    assert loaded(automation(EMAIL, WAIT, {"type": "stop"})).changed == ["automation/a"]

    saved = Automation.objects.get()
    assert (saved.version, saved.steps[:2], len(saved.steps)) == (2, before, 3)


def test_what_a_file_leaves_out_of_an_automation_stays(loaded):
    loaded([template(), automation(EMAIL, enabled=True, runs="once")])

    loaded({"kind": "automation", "code_name": "A", "name": "New"})

    saved = Automation.objects.get()
    assert (saved.name, saved.enabled, saved.runs, len(saved.steps), saved.version) == (
        *("New", True, "once", 1, 1),
    )


def test_runs_stay_on_the_version_that_they_entered(loaded):
    loaded([template(), automation(EMAIL, WAIT)])
    version = Version.objects.get()
    contact = make_contact()
    entered = Run.objects.create(
        automation=version.automation,
        version=version,
        contact=contact,
        entered_as=contact.pk,
        cause=Run.Cause.CODE,
    )

    loaded(automation(WAIT))

    entered.refresh_from_db()
    assert entered.version == version


def rule_of(condition):
    return {"match": "all", "conditions": [condition]}


NOBODY = {"type": "group", "groups": ["nobody"]}


@pytest.mark.parametrize(
    ("given", "place", "said"),
    [
        ({"steps": [EMAIL]}, "steps[0].template", "There is no template “brochure”"),
        (
            {"steps": [WAIT, {"type": "group", "add": "nobody"}]},
            "steps[1].add",
            "There is no contact group “nobody”",
        ),
        (
            {"steps": [{"type": "if", "rule": rule_of(WAIT | {"type": "inactive", "days": 1})}]},
            "steps[0].rule.conditions[0].for",
            "Is no member of",
        ),
        (
            {"steps": [{"type": "if", "rule": rule_of(NOBODY), "then": [], "else": []}]},
            "steps[0].rule.conditions[0]",
            "There is no contact group “nobody”",
        ),
        (
            {
                "steps": [
                    {
                        "type": "if",
                        "rule": rule_of({"type": "inactive", "days": 1}),
                        "else": [{"type": "split", "shares": [50, 50], "branches": [[], [EMAIL]]}],
                    }
                ]
            },
            "steps[0].else[0].branches[1][0].template",
            "There is no template “brochure”",
        ),
        (
            {"trigger": {"type": "group", "group": "nobody"}},
            "trigger",
            "There is no contact group “nobody”",
        ),
        (
            {"trigger": {"type": "consent", "consent": "No"}},
            "trigger",
            "There is no consent “No”",
        ),
        (
            {"trigger": {"type": "manual", "rule": rule_of(NOBODY)}},
            "trigger.rule.conditions[0]",
            "There is no contact group “nobody”",
        ),
        ({"trigger": {"type": "moonrise"}}, "trigger.type", "Must be one of: activity, "),
        ({"trigger": None}, "trigger", "Must be an object that is a trigger."),
        ({"steps": None}, "steps", "Must be a list of steps."),
        ({"steps": [{"type": "dance"}]}, "steps[0].type", "Must be one of: "),
        ({"steps": [{"type": "wait", "for": "soon"}]}, "steps[0].for", "such as “2 days”"),
        (
            {"steps": [{**EMAIL, "key": "a1"}]},
            "steps",
            "Steps have no `key` in files. Leave it out.",
        ),
        ({"runs": "twice"}, "runs", "This has to be one of: once, many, if_not_running."),
    ],
)
def test_an_automation_that_cannot_be_is_refused_with_its_place(write, given, place, said):
    file = write({**automation(), **given})

    with pytest.raises(CommandError) as refused:
        run("load_config", file)

    assert str(refused.value).startswith(f"{file}: automation/a: {place}: ")
    assert said in str(refused.value)
    assert Automation.objects.count() == 0


def test_an_activity_type_need_not_be_there_yet(loaded):
    loaded(
        automation(
            {"type": "log_activity", "activity": "custom_never_seen"},
            trigger={"type": "activity", "activities": ["never seen"]},
        )
    )

    assert Automation.objects.get().trigger["activities"] == ["never seen"]


def test_an_archived_automation_is_not_switched_on_by_a_file(loaded):
    loaded(automation())
    Automation.objects.update(archived_at="2026-01-01T00:00Z")

    with pytest.raises(
        InvalidConfiguration, match=r"An archived automation cannot be switched on\."
    ):
        loaded(automation(enabled=True))


def test_the_consent_of_a_template_has_to_be_there(loaded):
    with pytest.raises(
        InvalidConfiguration, match=r"template/brochure: consent: There is no consent “No”"
    ):
        loaded(template(consent="No"))

    loaded(template(consent="mail", click_consent="Mail"))
    saved = Template.objects.get()
    assert (saved.consent.code_name, saved.open_consent, saved.click_consent.code_name) == (
        *("Mail", None, "Mail"),
    )


def test_an_automation_is_dumped_without_keys_and_loads_unchanged(loaded, tmp_path):
    loaded(STORY)

    dump(tmp_path / "dump")

    assert (tmp_path / "dump" / "automation" / "send-brochure.yaml").read_text() == (
        "kind: automation\n"
        "code_name: send-brochure\n"
        "name: Send the brochure\n"
        "description: ''\n"
        "enabled: true\n"
        "runs: many\n"
        "trigger:\n"
        "  type: activity\n"
        "  activities:\n"
        "  - file download request\n"
        "  rule:\n"
        "    match: all\n"
        "    conditions: []\n"
        "steps:\n"
        "- type: email\n"
        "  template: brochure\n"
        "  late:\n"
        "    after: 2 hours\n"
        "    then: skip\n"
        "- type: wait\n"
        "  for: 2 days\n"
        "- type: wait\n"
        "  until: 09:00\n"
        "  weekdays:\n"
        "  - mon\n"
        "  - tue\n"
        "  - wed\n"
        "  - thu\n"
        "  - fri\n"
        "  zone: contact\n"
        "- type: wait\n"
        "  rule:\n"
        "    match: all\n"
        "    conditions:\n"
        "    - type: consent\n"
        "      consent: Mail\n"
        "  at_most: 7 days\n"
        "- type: if\n"
        "  rule:\n"
        "    match: all\n"
        "    conditions:\n"
        "    - type: country\n"
        "      values:\n"
        "      - USA\n"
        "  then:\n"
        "  - type: log_activity\n"
        "    activity: custom_brochure_sent\n"
        "    value: '%EVENT: file download request%'\n"
        "  else:\n"
        "  - type: set_field\n"
        "    field: notes\n"
        "    value: Asked for the brochure\n"
        "- type: split\n"
        "  shares:\n"
        "  - 50\n"
        "  - 50\n"
        "  branches:\n"
        "  - - type: group\n"
        "      add: newsletter\n"
        "  - []\n"
        "- type: stop\n"
    )
    again = load([tmp_path / "dump"])
    assert (again.created, again.changed) == ([], [])
    Automation.objects.get().delete()
    Template.objects.get().delete()
    assert load([tmp_path / "dump"]).created == ["automation/send-brochure", "template/brochure"]


def test_an_automation_that_names_what_was_deleted_since_still_loads_unchanged(loaded, tmp_path):
    loaded([template(), automation(EMAIL, {"type": "group", "add": "newsletter"})])
    ContactGroup.objects.all().delete()
    dump(tmp_path / "dump")

    assert "automation/a" in load([tmp_path / "dump"]).unchanged


def test_an_automation_with_a_step_of_the_past_is_dumped_as_it_is(loaded, tmp_path):
    loaded(automation(WAIT))
    Automation.objects.update(steps=[{"key": "a1", "type": "fax", "to": "all"}])

    dump(tmp_path)

    assert "type: fax\n" in (tmp_path / "automation" / "a.yaml").read_text()


def test_the_consent_that_a_link_confirms_is_loaded_first(loaded):
    button = {"type": "button", "label": "Yes", "url": "{{ confirm.Letters }}"}

    with pytest.raises(InvalidConfiguration, match=r"blocks: There is no consent “Letters”"):
        loaded(template(blocks=[button]))

    consent = {"kind": "consent", "code_name": "Letters", "name": "Letters"}
    assert len(loaded([template(blocks=[button]), consent]).created) == 2


@pytest.mark.parametrize(
    ("given", "place", "said"),
    [
        ({"blocks": "none"}, "blocks", "Must be a list of blocks."),
        ({"blocks": [{"type": "video"}]}, "blocks[0].type", "Must be one of: heading, "),
        (
            {"blocks": [{"type": "button", "label": "Go", "url": "javascript:alert(1)"}]},
            "blocks[0].url",
            "",
        ),
        ({"subject": "a\nb"}, "subject", "This is one line"),
        ({"subject": "{{ contact.password }}"}, "subject", "There is no value"),
        ({"from_email": "nobody"}, "from_email", "valid email"),
    ],
)
def test_a_template_that_cannot_be_is_refused_with_its_place(write, given, place, said):
    file = write({**template(), **given})

    with pytest.raises(CommandError) as refused:
        run("load_config", file)

    assert str(refused.value).startswith(f"{file}: template/brochure: {place}: ")
    assert said in str(refused.value)


def test_a_group_may_ask_about_emails_of_a_template_in_the_same_files(loaded):
    asks = rule_of({"type": "email_activity", "template": "brochure", "did": "clicked"})
    group = {"kind": "contact_group", "code_name": "clicked", "name": "Clicked", "rule": asks}

    with pytest.raises(InvalidConfiguration, match="There is no template “brochure”"):
        loaded(group)

    steps = [{"type": "group", "remove": "newsletter"}]
    trigger = {"type": "group", "group": "clicked"}
    given = [automation(*steps, trigger=trigger), group, template()]
    assert len(loaded(given).created) == 3
