import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from activities.admin.searching import search_activities
from activities.models import Activity, ActivityClaim, ActivityType, DataInput
from adminsite.formatting import change_url, changelist_url
from crosssite.models import TrackedSite
from tests.factories import make_activity, make_activity_type, make_channel, make_contact

pytestmark = pytest.mark.django_db


def found(term):
    return list(search_activities(Activity.objects.order_by("pk"), term, by_email=True))


def test_search_finds_an_activity_by_its_ids():
    activity, _ = make_activity(client_id=uuid.uuid4()), make_activity()
    ActivityClaim.objects.create(
        channel_id=activity.channel_id, client_id=activity.client_id, activity_id=activity.pk
    )

    assert found(str(activity.pk)) == [activity]
    assert found(f"#{activity.pk}") == [activity]
    assert found(str(activity.request_id)) == [activity]
    assert found(activity.client_id.hex) == [activity]


def test_search_finds_what_a_contact_did_by_guid_and_email():
    contact = make_contact(email="anna@example.com")
    activity, _ = make_activity(contact), make_activity()

    assert found(str(contact.guid)) == [activity]
    assert found("Anna@Example.com") == [activity]
    assert found("anna") == []


def test_search_by_the_guid_of_a_merged_contact_finds_what_it_did():
    survivor = make_contact()
    merged = make_contact(merged_into=survivor)
    activity = make_activity(survivor, logged_as=merged.guid)

    assert found(str(merged.guid)) == [activity]


def test_search_by_guid_finds_data_that_belonged_to_another_contact():
    sender, owner = make_contact(), make_contact(email="anna@example.com")
    activity = make_activity(owner, logged_as=sender.guid)
    DataInput.objects.create(contact=owner, sent_by=sender, activity=activity, fields={})

    assert found(str(sender.guid)) == [activity]


@pytest.mark.parametrize("term", ["99999999999999999999", "0", "nobody@example.com", "'; --"])
def test_search_for_what_is_not_there_finds_nothing(term):
    make_activity()

    assert found(term) == []


def test_filters_of_the_log(admin_client):
    click = ActivityType.objects.get(code_name="click")
    channel = make_channel(kind="website", domain="www.example.com")
    site = TrackedSite.objects.create(
        name="Shop", code_name="shop", url="https://shop.example.com", channel=channel
    )
    last_week = timezone.now() - timedelta(days=7)
    activity = make_activity(
        channel=channel, type=click, tracked_site=site, title="Wanted", occurred_at=last_week
    )
    make_activity()
    day = f"{timezone.localtime(last_week):%Y-%m-%d}"

    for query in (
        f"type__id__exact={click.pk}",
        f"channel__id__exact={channel.pk}",
        f"tracked_site__id__exact={site.pk}",
        f"occurred_at_from_0={day}&occurred_at_to_0={day}",
    ):
        html = admin_client.get(changelist_url(Activity, query)).text
        assert "1 activity<" in html
        assert change_url(activity) in html


@pytest.mark.parametrize("query", ["occurred_at_from_0=nonsense", "occurred_at_to_0=2026-02-31"])
def test_a_time_that_is_none_filters_nothing(admin_client, query):
    make_activity()

    assert "1 activity<" in admin_client.get(changelist_url(Activity, query)).text


def test_the_log_shows_url_referrer_and_site(admin_client):
    channel = make_channel(kind="website", domain="www.example.com")
    site = TrackedSite.objects.create(
        name="Shop", code_name="shop", url="https://shop.example.com", channel=channel
    )
    make_activity(url="https://a.example/", referrer="https://b.example/", tracked_site=site)

    html = admin_client.get(changelist_url(Activity)).text

    for expected in ("https://a.example/", "https://b.example/", "Yes · Shop"):
        assert expected in html


def test_a_page_leads_to_everything_of_its_request(admin_client):
    activity = make_activity(properties={"amount": 5000}, logged_as=uuid.uuid4())

    html = admin_client.get(change_url(activity)).text

    assert f"{changelist_url(Activity)}?q={activity.request_id}" in html
    assert "&quot;amount&quot;: 5000" in html
    assert "Contact today" in html


def type_form(**fields):
    return {
        "name": "Webinar joined",
        "code_name": "",
        "description": "",
        "on_missing": "accept",
        "on_wrong": "accept",
        "on_unspecified": "accept",
        "property_rules-TOTAL_FORMS": 0,
        "property_rules-INITIAL_FORMS": 0,
        **fields,
    }


@pytest.mark.parametrize("query", ["", "o=1"])
def test_types_are_sorted_whatever_the_case_of_their_names(admin_client, query):
    for name in ("beta", "Gamma", "Alpha"):
        make_activity_type(name.lower(), name=name)

    page = admin_client.get(changelist_url(ActivityType, query))

    names = [one.name for one in page.context["cl"].result_list if not one.is_system]
    assert names == ["Alpha", "beta", "Gamma"]
    assert "Whitelisting a type offers it" in page.text


def test_the_link_for_another_rule_is_in_small_letters(admin_client):
    html = admin_client.get(change_url(make_activity_type())).text

    assert "<span>Add another rule</span>" in html


def test_a_type_without_a_code_name_gets_one_from_its_name(admin_client):
    admin_client.post(
        reverse("admin:activities_activitytype_add"),
        type_form(name="Webinar joined!", enabled="on"),
    )

    assert ActivityType.objects.get(name="Webinar joined!").code_name == "webinar_joined"


def test_a_name_that_makes_no_code_name_is_asked_for_one(admin_client):
    response = admin_client.post(
        reverse("admin:activities_activitytype_add"), type_form(name="测验")
    )

    assert "none can be made from this name" in response.text


def test_the_code_name_of_another_type_is_refused(admin_client):
    make_activity_type("webinar_joined")

    response = admin_client.post(
        reverse("admin:activities_activitytype_add"), type_form(code_name="Webinar_Joined")
    )

    assert "Another activity type has this code name." in response.text


def test_system_types_can_be_disabled_but_not_renamed(admin_client):
    click = ActivityType.objects.get(code_name="click")

    admin_client.post(change_url(click), type_form(name="Tap", code_name="tap", description="New"))

    click.refresh_from_db()
    assert (click.name, click.code_name, click.description) == ("Click", "click", "New")
    assert click.enabled is False


def test_system_types_cannot_be_deleted(admin_client):
    click = ActivityType.objects.get(code_name="click")

    response = admin_client.post(
        reverse("admin:activities_activitytype_delete", args=[click.pk]), {"post": "yes"}
    )

    assert response.status_code == 403
    assert ActivityType.objects.filter(pk=click.pk).exists()


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_type_in_use_cannot_be_deleted_and_the_page_says_why(admin_client, method):
    activity = make_activity(type=make_activity_type())
    url = reverse("admin:activities_activitytype_delete", args=[activity.type_id])

    response = getattr(admin_client, method)(url, {"post": "yes"}, follow=True)

    assert "cannot be deleted, because activities refer to it. Disable it" in response.text
    assert ActivityType.objects.filter(pk=activity.type_id).exists()


def test_a_type_that_was_never_used_can_be_deleted(admin_client):
    unused = make_activity_type()
    url = reverse("admin:activities_activitytype_delete", args=[unused.pk])

    assert admin_client.get(url).status_code == 200
    admin_client.post(url, {"post": "yes"})

    assert not ActivityType.objects.filter(pk=unused.pk).exists()


def test_a_type_is_switched_off_in_the_list(admin_client):
    rows = list(ActivityType.objects.order_by("-is_system", "name"))
    form = {"form-TOTAL_FORMS": len(rows), "form-INITIAL_FORMS": len(rows), "_save": "Save"}
    form |= {f"form-{number}-id": row.pk for number, row in enumerate(rows)}

    admin_client.post(changelist_url(ActivityType), form)

    assert not ActivityType.objects.filter(enabled=True).exists()


def test_the_list_of_types_counts_the_last_week(admin_client):
    used = make_activity_type()
    make_activity(type=used)
    make_activity(type=used, occurred_at=timezone.now() - timedelta(days=8))

    page = admin_client.get(changelist_url(ActivityType))

    counts = {one.code_name: one.recent_count for one in page.context["cl"].result_list}
    assert counts["custom_loan_calculator"] == 1
    assert counts["click"] == 0


def test_lists_load_the_beginnings_of_long_texts_only(admin_client):
    contact = make_contact()
    long = "https://www.example.com/" + "x" * 3_000_000
    activity = make_activity(contact, url=long, referrer=long, properties={"a": long})
    DataInput.objects.create(contact=contact, activity=activity, fields={})

    with CaptureQueriesContext(connection) as queries:
        pages = [
            admin_client.get(url)
            for url in (changelist_url(Activity), change_url(contact), reverse("admin:index"))
        ]

    assert all("x" * 100 in page.text for page in pages[:2])
    assert all(len(page.content) < 300_000 for page in pages)
    for query in queries:
        for name in ("url", "referrer", "properties"):
            column = f'"activities_activity"."{name}"'
            assert f", {column}," not in query["sql"]


def test_the_list_is_called_what_the_sidebar_calls_it(admin_client):
    assert admin_client.get(changelist_url(Activity)).context["title"] == "Activity log"
