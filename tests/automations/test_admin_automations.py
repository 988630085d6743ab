"""Automations in the admin: the list, and the form with the editor."""

import json

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from adminsite.formatting import change_url
from automations.models import Automation
from automations.saving import save_automation
from tests.admin.pages import form_on
from tests.automations.drawing import (
    ADD_URL,
    EMAIL,
    IF,
    LIST_URL,
    SPLIT,
    TRIGGER,
    WAIT,
    make_automation,
    make_run,
    posted,
)

pytestmark = pytest.mark.django_db


def drawn_on(page):
    """What the editor of a page begins with."""
    return page.context["drawn"]


def test_an_automation_is_saved_switched_off_with_its_first_version(admin_client, admin_user):
    response = admin_client.post(ADD_URL, posted())

    automation = Automation.objects.get()
    assert response.url == change_url(automation)
    assert automation.trigger == TRIGGER
    assert automation.enabled is False
    version = automation.versions.get()
    assert (version.number, version.created_by) == (1, admin_user)


def test_the_list_says_what_lets_contacts_in_and_how_many_are_inside(admin_client):
    automation = make_automation(enabled=True)
    make_run(automation)
    make_run(automation, status="paused")
    make_run(automation, status="done", finished_at=automation.created_at)

    html = admin_client.get(LIST_URL).text

    assert "“pagevisit” is recorded" in html
    assert '<td class="field-shown_inside' in html
    assert admin_client.get(LIST_URL).context["cl"].result_list[0].counted == 2


def test_the_list_counts_without_a_query_for_each_automation(admin_client):
    def queries():
        with CaptureQueriesContext(connection) as found:
            admin_client.get(LIST_URL)
        return len(found)

    make_run(make_automation("one"))
    admin_client.get(LIST_URL)
    first = queries()
    for name in ("two", "three", "four"):
        make_run(make_automation(name))
    assert queries() == first


def test_an_empty_list_says_what_to_do_next(admin_client):
    assert "choose what lets contacts in, and add steps" in admin_client.get(LIST_URL).text


@pytest.mark.parametrize(
    ("steps", "path"),
    [
        ([{"type": "email"}], "steps[0].template"),
        ([WAIT, {"type": "wait", "for": "soon"}], "steps[1].for"),
        (
            [{"type": "if", "rule": {"match": "all", "conditions": [{"type": "moon"}]}}],
            "steps[0].rule.conditions[0].type",
        ),
        ([{**SPLIT, "shares": [50, 40]}], "steps[0].shares"),
        ([{**IF, "then": [{"type": "email"}]}], "steps[0].then[0].template"),
        ([{"type": "dance"}], "steps[0].type"),
        ([WAIT] * 201, "steps"),
    ],
)
def test_what_is_wrong_with_a_step_is_said_with_its_place(admin_client, steps, path):
    response = admin_client.post(ADD_URL, posted(steps=steps))

    assert response.status_code == 200
    assert drawn_on(response)["invalid"]["path"] == path
    assert not Automation.objects.exists()


@pytest.mark.parametrize("text", ["", "nonsense", "[NaN]", "[" * 5_000, '{"a": 1}', "[1]", "null"])
def test_steps_that_no_editor_sends_are_refused_in_a_sentence(admin_client, text):
    response = admin_client.post(ADD_URL, posted(steps=text))

    assert response.status_code == 200
    assert response.context["adminform"].form.errors["steps"]
    assert isinstance(drawn_on(response)["steps"], list)


@pytest.mark.parametrize("text", ["", "nonsense", "[]", '{"type": 1}', "{}", '{"type": "moon"}'])
def test_triggers_that_no_editor_sends_are_refused_in_a_sentence(admin_client, text):
    response = admin_client.post(ADD_URL, posted(trigger=text))

    assert response.status_code == 200
    assert response.context["adminform"].form.errors["trigger"]


def test_a_page_that_is_saved_as_it_is_makes_no_version(admin_client):
    automation = make_automation(steps=[WAIT, IF, EMAIL])
    page = admin_client.get(change_url(automation))

    admin_client.post(change_url(automation), form_on(page))

    automation.refresh_from_db()
    assert automation.version == 1
    assert automation.steps == [WAIT, IF, EMAIL]


def test_steps_keep_their_keys_when_they_are_moved(admin_client):
    automation = make_automation(steps=[WAIT, EMAIL])
    form = form_on(admin_client.get(change_url(automation)))

    admin_client.post(change_url(automation), {**form, "steps": json.dumps([EMAIL, WAIT])})

    automation.refresh_from_db()
    assert [step["key"] for step in automation.steps] == ["email", "wait"]
    assert automation.version == 2


def test_users_who_edit_steps_and_trigger_at_once_both_win(admin_client):
    automation = make_automation()
    mine = form_on(admin_client.get(change_url(automation)))
    automation.trigger = {"type": "manual"}
    save_automation(automation)

    response = admin_client.post(change_url(automation), {**mine, "steps": json.dumps([EMAIL])})

    assert response.status_code == 302
    automation.refresh_from_db()
    assert (automation.trigger, automation.steps) == ({"type": "manual"}, [EMAIL])


def test_users_who_edit_the_steps_at_once_do_not_undo_each_others_work(admin_client):
    automation = make_automation()
    mine = form_on(admin_client.get(change_url(automation)))
    automation.steps = [WAIT]
    save_automation(automation)

    response = admin_client.post(change_url(automation), {**mine, "steps": json.dumps([EMAIL])})

    assert "While you were editing, this has become “Wait 2 days”" in response.text
    automation.refresh_from_db()
    assert automation.steps == [WAIT]
    again = form_on(response)
    admin_client.post(change_url(automation), again)
    automation.refresh_from_db()
    assert automation.steps == [EMAIL]


def test_a_taken_code_name_is_an_error_of_its_field(admin_client):
    make_automation("brochure")

    response = admin_client.post(ADD_URL, posted(code_name="Brochure"))

    assert "Another automation has this code name." in response.text


def test_users_who_may_only_look_see_the_map_and_no_editor(log_in):
    automation = make_automation(steps=[WAIT, SPLIT])
    client = log_in("view_automation")

    page = client.get(change_url(automation))

    assert "<svg" in page.text
    assert "automationEditor" not in page.text
    assert "Split 50 : 50" in page.text
    assert client.post(change_url(automation), posted()).status_code == 403


def test_users_without_permission_get_nothing(log_in):
    automation = make_automation()
    client = log_in("view_contact")

    for url in (
        LIST_URL,
        ADD_URL,
        change_url(automation),
        f"{LIST_URL}{automation.pk}/figures/",
        f"{LIST_URL}{automation.pk}/start/",
        f"{LIST_URL}templates/",
        f"{LIST_URL}suggest/",
    ):
        assert client.get(url).status_code == 403, url
    for url in (f"{LIST_URL}map/", f"{LIST_URL}rule/", f"{LIST_URL}{automation.pk}/do/pause/"):
        assert client.post(url).status_code == 403, url


def test_a_user_who_cannot_change_is_not_let_to_act(log_in):
    automation = make_automation()
    client = log_in("view_automation")

    for name in ("pause", "archive", "switch-off"):
        assert client.post(f"{LIST_URL}{automation.pk}/do/{name}/").status_code == 403
    assert client.post(f"{LIST_URL}{automation.pk}/copy/").status_code == 403


def test_visitors_are_sent_to_the_login():
    assert Client().get(LIST_URL).status_code == 302
    assert not User.objects.exists()
