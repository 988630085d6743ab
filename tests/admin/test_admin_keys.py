"""API keys in the admin: their list, and how a developer rotates one."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.template.defaultfilters import date as format_date
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from adminsite.formatting import change_url, changelist_url
from channels.keys import note_use, rotate_api_key
from channels.models import ApiKey
from tests.channels.keys import find_api_key
from tests.factories import make_channel, make_key

pytestmark = pytest.mark.django_db

LIST = changelist_url(ApiKey)


def rotate_url(key):
    return reverse("admin:channels_apikey_rotate", args=[key.pk])


def rotate(client, key, **fields):
    return client.post(rotate_url(key), {"name": "New", "ends": "14", **fields})


def text_in(response):
    (text,) = set(re.findall(r"tl_[0-9a-f]{12}_[\w-]{43}", response.text))
    return text


def user_with(django_user_model, *permissions):
    user = django_user_model.objects.create(username="keeper", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user


def test_a_key_is_rotated_and_the_new_one_is_shown_once(admin_client):
    key, text = make_key(name="iOS app")

    response = rotate(admin_client, key)

    new = ApiKey.objects.exclude(pk=key.pk).get()
    assert find_api_key(text_in(response), access="tracking") == new
    assert find_api_key(text, access="tracking") == key
    assert "no-store" in response.headers["Cache-Control"]
    key.refresh_from_db()
    left = key.expires_at - timezone.now()
    assert timedelta(days=13, hours=23) < left < timedelta(days=14)
    for url in (change_url(key), change_url(new), rotate_url(new), LIST):
        assert text_in(response) not in admin_client.get(url).text


@pytest.mark.parametrize(
    ("name", "proposed"),
    [
        ("iOS app", "iOS app"),
        ("iOS app, 12 Nov 2026", "iOS app"),
        ("x" * 200, "x" * (198 - len(format_date(timezone.localdate(), "j M Y")))),
    ],
)
def test_the_form_proposes_fourteen_days_and_a_name_of_its_own(admin_client, name, proposed):
    today = format_date(timezone.localdate(), "j M Y")
    key, _ = make_key(name=name)

    html = admin_client.get(rotate_url(key)).text

    assert re.search(r'value="14"[^>]*checked', html)
    assert f'value="{proposed}, {today}"' in html
    assert "Create the new key" in html


def test_a_key_may_end_at_once(admin_client):
    key, text = make_key()

    response = rotate(admin_client, key, ends="0")

    assert find_api_key(text, access="tracking") is None
    assert "is refused from now on" in response.text


def test_a_key_may_end_at_a_time_of_ones_own(admin_client):
    key, _ = make_key()
    at = timezone.localtime() + timedelta(days=40)

    rotate(admin_client, key, ends="", ends_at_0=f"{at:%Y-%m-%d}", ends_at_1="12:00")

    key.refresh_from_db()
    assert f"{timezone.localtime(key.expires_at):%Y-%m-%d %H:%M}" == f"{at:%Y-%m-%d} 12:00"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"ends": ""}, "Choose a time, or one of the periods above."),
        (
            {"ends": "", "ends_at_0": "2020-01-01", "ends_at_1": "12:00"},
            "This time is over already.",
        ),
        ({"ends": "", "ends_at_0": "x", "ends_at_1": "y"}, "Enter a valid date"),
        ({"ends": "7000"}, "Select a valid choice"),
        ({"name": ""}, "This field is required"),
        ({"name": "x" * 201}, "at most 200 characters"),
        ({"expires_at_0": "2020-01-01", "expires_at_1": "12:00"}, "This time is over already."),
    ],
)
def test_what_cannot_be_is_refused_beside_the_field(admin_client, fields, said):
    key, _ = make_key()

    response = rotate(admin_client, key, **fields)

    assert said in response.text
    assert ApiKey.objects.count() == 1


def test_a_stale_form_rotates_nothing_twice(admin_client):
    key, _ = make_key()
    rotate(admin_client, key)

    response = rotate(admin_client, key)

    assert response.status_code == 302
    assert "was rotated before" in admin_client.get(change_url(key)).text
    assert ApiKey.objects.count() == 2


def test_the_end_of_a_rotated_key_is_moved_and_not_taken_away(admin_client):
    key, _ = make_key()
    rotate_api_key(key, name="New", ends_at=timezone.now() + timedelta(days=1))
    form = {"name": "Old", "enabled": "on"}

    response = admin_client.post(change_url(key), form)
    assert "A key that was rotated has to end." in response.text

    later = f"{timezone.localtime() + timedelta(days=30):%Y-%m-%d}"
    admin_client.post(change_url(key), {**form, "expires_at_0": later, "expires_at_1": "12:00"})
    key.refresh_from_db()
    assert key.expires_at > timezone.now() + timedelta(days=28)


@pytest.mark.parametrize(
    ("permissions", "status"),
    [
        (["add_apikey", "view_apikey"], 403),
        (["change_apikey", "view_apikey"], 403),
        (["add_apikey", "change_apikey", "view_apikey"], 200),
    ],
)
def test_rotating_needs_the_permissions_to_add_and_to_change_keys(
    client, django_user_model, permissions, status
):
    key, _ = make_key()
    client.force_login(user_with(django_user_model, *permissions))

    assert rotate(client, key).status_code == status
    assert (ApiKey.objects.count() == 2) == (status == 200)


def test_pages_show_both_keys_with_their_last_use(admin_client):
    key, _ = make_key(name="Old one")
    note_use(key, address="10.0.0.7", origin="https://app.example.com")
    new, _ = rotate_api_key(key, name="New one", ends_at=timezone.now() + timedelta(days=2))

    old_page, new_page = (admin_client.get(change_url(one)).text for one in (key, new))

    assert "10.0.0.7, https://app.example.com" in old_page
    assert "Its sender has to be given the new one before." in old_page
    assert "Replaced by" in old_page
    assert "Replaces" in new_page
    assert "Old one" in new_page


def test_the_sidebar_counts_rotated_keys_that_end_in_use(admin_client):
    key, _ = make_key()
    note_use(key)
    badge = re.compile(r">\s*API keys\s*<.*?</a>", re.DOTALL)
    before = badge.search(admin_client.get(LIST).text)[0]

    rotate_api_key(key, name="New", ends_at=timezone.now() + timedelta(days=2))

    after = badge.search(admin_client.get(LIST).text)[0]
    assert not re.search(r">\s*1\s*<", before)
    assert re.search(r">\s*1\s*<", after)


def test_the_list_has_all_keys_and_their_state(admin_client):
    make_key(name="Good")
    make_key(name="Off", enabled=False)
    old, _ = make_key(name="Old")
    rotate_api_key(old, name="New", ends_at=timezone.now())

    html = admin_client.get(LIST).text

    for text in ("Good", "Off", "Old", "Disabled", "Expired after rotation", "Enabled"):
        assert text in html


def test_the_list_costs_the_same_whatever_the_keys(admin_client, django_assert_num_queries):
    make_key()
    admin_client.get(LIST)

    with CaptureQueriesContext(connection) as one:
        admin_client.get(LIST)
    for _ in range(2):
        key, _ = make_key()
        rotate_api_key(key, name="New", ends_at=timezone.now() + timedelta(days=1))

    with django_assert_num_queries(len(one)):
        admin_client.get(LIST)


def test_a_key_is_made_in_the_list_for_a_channel_that_is_chosen(admin_client):
    channel = make_channel()
    url = reverse("admin:channels_apikey_new_key")
    form = {"name": "Reports", "access": "read", "channel": channel.pk}

    assert "Create the key" in admin_client.get(url).text
    response = admin_client.post(url, form)

    key = ApiKey.objects.get()
    assert (key.channel, key.access) == (channel, "read")
    assert find_api_key(text_in(response), access="read") == key
    assert "This field is required" in admin_client.post(url, {**form, "channel": ""}).text


def test_keys_are_hidden_from_users_who_may_not_see_them(client, django_user_model):
    client.force_login(user_with(django_user_model, "view_channel"))

    assert client.get(LIST).status_code == 403
    assert "API keys" not in client.get(reverse("admin:channels_channel_changelist")).text
