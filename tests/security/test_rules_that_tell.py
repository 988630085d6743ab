"""Users who may not see contacts save no rule whose count would tell who somebody is."""

import json

import pytest

from adminsite.formatting import change_url
from automations.models import Automation, Broadcast
from groups.models import ContactGroup
from tests.admin import groups
from tests.admin.groups import FROM_USA, field, rule
from tests.automations import drawing

pytestmark = pytest.mark.django_db

TELLING = rule(field(field="email", operator="starts_with", value="a"))
OPEN = rule(FROM_USA)
SAID = "Only users who may see contacts may save a condition on a name, an email"
GROUP_URL = "/admin/groups/contactgroup/add/"
BROADCAST_URL = "/admin/automations/broadcast/add/"


def rights(*models):
    return [f"{verb}_{model}" for model in models for verb in ("view", "add", "change")]


@pytest.mark.parametrize("static", ["", "on"])
def test_group_that_tells_is_saved_by_those_who_see_contacts_alone(log_in, admin_client, static):
    given = groups.posted(rule=TELLING, **({"static": static} if static else {}))
    assert admin_client.post(GROUP_URL, {**given, "code_name": "theirs"}).status_code == 302

    client = log_in(*rights("contactgroup"))

    assert SAID in client.post(GROUP_URL, given).text
    assert client.post(GROUP_URL, groups.posted(rule=OPEN)).status_code == 302
    assert sorted(ContactGroup.objects.values_list("code_name", flat=True)) == ["loans", "theirs"]


def test_what_else_a_group_has_is_saved_by_whoever_may_change_it(log_in):
    group = groups.make_group(rule=TELLING)
    client = log_in(*rights("contactgroup"))

    page = client.get(change_url(group))
    given = groups.posted(rule=json.dumps(page.context["adminform"].form.initial["rule"]))
    response = client.post(change_url(group), {**given, "name": "Renamed"})

    assert response.status_code == 302
    group.refresh_from_db()
    assert (group.name, group.rule) == ("Renamed", TELLING)


@pytest.mark.parametrize(
    "fields",
    [
        {"trigger": {"type": "activity", "activities": ["pagevisit"], "rule": TELLING}},
        {"steps": [{"type": "if", "rule": TELLING, "then": [{"type": "stop"}], "else": []}]},
    ],
    ids=["trigger", "step"],
)
def test_automation_that_tells_is_saved_by_those_who_see_contacts_alone(
    log_in, admin_client, fields
):
    given = drawing.posted(**{"steps": [{"type": "stop"}], **fields})
    theirs = {**given, "name": "Theirs", "code_name": "theirs"}
    assert admin_client.post(drawing.ADD_URL, theirs).status_code == 302

    client = log_in(*rights("automation"))

    assert SAID in client.post(drawing.ADD_URL, given).text
    assert Automation.objects.get().code_name == "theirs"


def test_broadcast_that_tells_is_asked_for_by_those_who_see_contacts_alone(log_in):
    automation = drawing.make_automation(trigger={"type": "manual"}, enabled=True)
    client = log_in(*rights("broadcast", "automation"))
    given = {"automation": automation.pk, "who": "rule"}
    given |= {"starts_at_0": "2026-03-01", "starts_at_1": "12:00:00"}

    refused = client.post(BROADCAST_URL, {**given, "rule": json.dumps(TELLING)})
    assert SAID in refused.text
    assert not Broadcast.objects.exists()

    client.post(BROADCAST_URL, {**given, "rule": json.dumps(OPEN)})
    assert Broadcast.objects.exists()
