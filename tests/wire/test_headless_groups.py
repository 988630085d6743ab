"""The groups of a contact, as applications ask for them over HTTP."""

import pytest

from activities.erasing import erase_contact
from activities.models import RejectedActivity
from contacts.merging import request_merge
from tests.factories import make_channel, make_contact, make_group
from tests.wire.app import ROOT, App, assert_problem
from tests.work import do_merges

pytestmark = pytest.mark.django_db


@pytest.fixture
def app():
    return App(access="groups")


def groups_of(app, contact, **headers):
    return app.get(f"/contacts/{contact.guid}/groups", headers=headers)


def test_groups_are_told_by_code_name_in_order(app):
    ada, ben = make_contact(), make_contact()
    for code_name in ("vip", "Newsletter", "loan-interest"):
        make_group(code_name, members=[ada])
    make_group("others", members=[ben])

    response = groups_of(app, ada)

    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    assert response.json() == {"groups": ["loan-interest", "Newsletter", "vip"]}
    assert response["Request-Id"]


def test_contact_in_no_group_has_an_empty_list(app):
    make_group("others", members=[make_contact()])

    assert groups_of(app, make_contact()).json() == {"groups": []}


def test_group_that_is_switched_off_or_was_not_built_is_left_out(app):
    ada = make_contact()
    make_group("old", members=[ada], enabled=False)
    make_group("unbuilt", members=[ada], static=False)
    make_group("new", members=[ada])

    assert groups_of(app, ada).json() == {"groups": ["new"]}


def test_applications_learn_of_groups_that_websites_must_not(app):
    ada = make_contact()
    make_group("secret", members=[ada], visible_to_websites=False)

    assert groups_of(app, ada).json() == {"groups": ["secret"]}


def test_contacts_are_of_the_whole_hub():
    ada = make_contact()
    make_group("vip", members=[ada])
    website = make_channel(kind="website", domain="www.example.com")

    for channel in (make_channel(), website):
        assert groups_of(App(channel, access="groups"), ada).json() == {"groups": ["vip"]}


def test_guid_of_a_merged_contact_leads_to_the_survivor(app):
    ada, ben = make_contact(email="ada@example.com"), make_contact()
    make_group("vip", members=[ada])
    request_merge(survivor=ada, loser=ben, reason="manual")
    do_merges()

    assert groups_of(app, ben).json() == {"groups": ["vip"]}


@pytest.mark.parametrize(
    "guid", ["0b5b5f0e-52a0-4d58-9f43-5f3b1d2d4c11", "x", "0", "ö", "%00", "7" * 400]
)
def test_guid_of_nobody_is_not_found(app, guid):
    assert_problem(app.get(f"/contacts/{guid}/groups"), 404, "unknown_contact")


def test_erased_contact_is_not_found(app):
    ada = make_contact()
    make_group("vip", members=[ada])
    erase_contact(ada.pk)

    assert_problem(groups_of(app, ada), 404, "erased")


@pytest.mark.parametrize("access", ["tracking", "activecampaign", "commandersact"])
def test_key_of_another_access_type_is_unauthorized(access):
    response = groups_of(App(access=access), make_contact())

    assert_problem(response, 401, "unauthorized")
    assert response["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer tl_a_b", "Basic x"])
def test_request_without_a_key_is_unauthorized(app, authorization):
    response = groups_of(app, make_contact(), Authorization=authorization)

    assert_problem(response, 401, "unauthorized")


def test_disabled_key_is_unauthorized():
    app = App(access="groups", enabled=False)

    assert_problem(groups_of(app, make_contact()), 401, "unauthorized")


def test_key_for_groups_opens_nothing_else(app):
    contact = make_contact()

    for response in (
        app.post("/contacts"),
        app.get("/consents/TrackingConsent"),
        app.get(f"/contacts/{contact.guid}/consents/TrackingConsent"),
        app.post("/activities", app.message({"type": "click"}, contact=contact.guid)),
    ):
        assert_problem(response, 401, "unauthorized")


def test_head_is_answered_as_get_without_the_body(app):
    ada = make_contact()
    make_group("vip", members=[ada])

    path = f"{ROOT}/contacts/{ada.guid}/groups"
    looked = app.http.head(path, headers={"Authorization": app.authorization})

    seen = groups_of(app, ada)
    assert (looked.status_code, looked.content) == (200, b"")
    assert looked["Content-Length"] == seen["Content-Length"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_other_methods_are_not_allowed(app, method):
    response = app.http.generic(
        method,
        f"{ROOT}/contacts/{make_contact().guid}/groups",
        headers={"Authorization": app.authorization},
    )

    assert_problem(response, 405, "method_not_allowed")
    assert set(response["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}


def test_question_is_understood_in_any_spelling(app):
    ada = make_contact()
    make_group("vip", members=[ada])

    response = app.http.get(
        f"/kentico.tracking//CONTACTS/{str(ada.guid).upper()}/Groups/",
        headers={"Authorization": app.authorization},
    )

    assert response.json() == {"groups": ["vip"]}


def test_pages_of_allowed_origins_may_read_the_answer(app):
    ours = "https://app.example.com"
    app.channel.allowed_origins = [ours]
    app.channel.save()

    readable = groups_of(app, make_contact(), Origin=ours)
    refused = groups_of(app, make_contact(), Origin="https://evil.example")

    assert readable["Access-Control-Allow-Origin"] == ours
    assert "Access-Control-Allow-Origin" not in refused


def test_the_switch_of_the_doors_counts_and_a_read_only_hub_answers(app, settings):
    contact = make_contact()
    settings.READ_ONLY = True
    assert groups_of(app, contact).status_code == 200

    settings.TRACKING_API_ENABLED = False
    assert_problem(groups_of(app, contact), 404, "tracking_off")


def test_questions_leave_nothing_in_the_inspector(app):
    groups_of(app, make_contact(), Authorization="")
    app.get("/contacts/x/groups")

    assert not RejectedActivity.objects.exists()
