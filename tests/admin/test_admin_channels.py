import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.contrib.sessions.models import Session
from django.db import connections, transaction
from django.urls import reverse
from django.utils import timezone

from adminsite.formatting import change_url
from channels.admin.channel import ChannelForm
from channels.models import ApiKey, Channel
from tests.admin.history import make_rejected
from tests.admin.pages import form_on
from tests.channels.keys import find_api_key
from tests.factories import make_activity, make_channel, make_key
from tests.threads import wait_until_somebody_waits
from tracking.activecampaign.account import rotate_event_key

pytestmark = pytest.mark.django_db


def channel_form(channel=None, keys=(), **fields):
    form = {
        "name": "Shop",
        "code_name": "shop",
        "kind": "headless",
        "domain": "",
        "tracking_consent": "",
        "allowed_origins": "",
        "agree_cookie_level": 1000,
        "default_cookie_level": 0,
    }
    if channel is not None:
        form |= {
            "name": channel.name,
            "code_name": channel.code_name,
            "api_keys-TOTAL_FORMS": len(keys),
            "api_keys-INITIAL_FORMS": len(keys),
        }
        for number, key in enumerate(keys):
            form |= {f"api_keys-{number}-id": key.pk, f"api_keys-{number}-channel": channel.pk}
    return form | fields


def new_key_url(channel):
    return reverse("admin:channels_channel_new_key", args=[channel.pk])


def create_key(client, channel, **fields):
    return client.post(new_key_url(channel), {"name": "iOS app", "access": "tracking", **fields})


def test_a_key_is_shown_once_and_only_its_hash_is_stored(admin_client):
    channel = make_channel()

    response = create_key(admin_client, channel)

    (text,) = set(re.findall(r"tl_[0-9a-f]{12}_[\w-]{43}", response.text))
    key = ApiKey.objects.get()
    assert find_api_key(text, access="tracking") == key
    assert text not in [str(value) for value in ApiKey.objects.values_list().get()]
    assert "no-store" in response.headers["Cache-Control"]
    assert not [one for one in Session.objects.all() if text in str(one.get_decoded())]
    assert not [cookie for cookie in response.cookies.values() if text in cookie.value]
    for url in (change_url(channel), change_url(key), new_key_url(channel)):
        assert text not in admin_client.get(url).text


def test_a_new_key_comes_with_an_example_that_names_its_channel(admin_client):
    channel = make_channel()

    html = create_key(admin_client, channel).text

    assert "http://testserver/Kentico.Tracking/activities" in html
    assert str(channel.guid) in html


def test_a_key_that_is_over_before_it_begins_is_refused(admin_client):
    yesterday = timezone.localtime() - timedelta(days=1)

    response = create_key(
        admin_client,
        make_channel(),
        expires_at_0=f"{yesterday:%Y-%m-%d}",
        expires_at_1="12:00",
    )

    assert "This time is over already." in response.text
    assert not ApiKey.objects.exists()


def test_a_key_needs_the_permission_to_add_keys(client, django_user_model):
    channel = make_channel()
    client.force_login(django_user_model.objects.create(username="reader", is_staff=True))

    assert create_key(client, channel).status_code == 403
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize(
    ("permissions", "status"),
    [(["add_apikey"], 403), (["view_channel"], 403), (["add_apikey", "view_channel"], 200)],
)
def test_a_key_needs_the_permission_to_see_its_channel_too(
    client, django_user_model, permissions, status
):
    user = django_user_model.objects.create(username="keeper", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client.force_login(user)

    assert create_key(client, make_channel()).status_code == status
    assert ApiKey.objects.exists() == (status == 200)


def test_the_page_of_a_channel_shows_its_identifier_and_its_keys(admin_client):
    channel = make_channel()
    key, _ = make_key(channel, name="iOS app")

    html = admin_client.get(change_url(channel)).text

    assert "Channel identifier for Tracking API" in html
    assert str(channel.guid) in html
    assert f"tl_{key.identifier}_…" in html


def test_a_key_is_switched_off_on_the_page_of_its_channel(admin_client):
    channel = make_channel()
    key, text = make_key(channel)

    admin_client.post(change_url(channel), channel_form(channel, [key]))

    assert find_api_key(text, access="tracking") is None


def test_the_access_type_of_a_key_cannot_be_changed(admin_client):
    key, _ = make_key(name="iOS app")

    admin_client.post(
        change_url(key), {"name": "Android app", "access": "activecampaign", "enabled": "on"}
    )

    key.refresh_from_db()
    assert (key.name, key.access) == ("Android app", "tracking")


def test_deleting_a_key_leads_back_to_its_channel(admin_client):
    key, _ = make_key()
    url = reverse("admin:channels_apikey_delete", args=[key.pk])

    page = admin_client.get(url)
    response = admin_client.post(url, {"post": "yes"})

    assert "Are you sure" in page.text
    assert response.headers["Location"] == change_url(key.channel)
    assert not ApiKey.objects.exists()


def test_a_website_channel_keeps_its_domain_and_a_headless_one_drops_it(admin_client):
    add = reverse("admin:channels_channel_add")

    admin_client.post(add, channel_form(kind="website", domain="www.example.com"))
    admin_client.post(add, channel_form(code_name="app", domain="typed.example.com"))

    domains = dict(Channel.objects.values_list("code_name", "domain"))
    assert domains == {"shop": "www.example.com", "app": ""}


def test_a_website_channel_without_a_domain_is_refused(admin_client):
    response = admin_client.post(
        reverse("admin:channels_channel_add"), channel_form(kind="website")
    )

    assert "A website channel needs a domain" in response.text
    assert not Channel.objects.exists()


def test_allowed_origins_are_written_one_a_line(admin_client):
    add = reverse("admin:channels_channel_add")

    admin_client.post(add, channel_form(allowed_origins="https://a.example\nb.example"))
    refused = admin_client.post(
        add, channel_form(code_name="other", allowed_origins="https://a.example/path")
    )

    channel = Channel.objects.get()
    assert channel.allowed_origins == ["https://a.example", "b.example"]
    assert "is not an origin" in refused.text
    assert ">https://a.example\nb.example</textarea>" in admin_client.get(change_url(channel)).text


def test_a_channel_in_use_cannot_be_deleted_and_the_page_says_why(admin_client):
    activity = make_activity()
    url = reverse("admin:channels_channel_delete", args=[activity.channel_id])

    response = admin_client.post(url, {"post": "yes"}, follow=True)

    assert "cannot be deleted, because activities refer to it." in response.text
    assert Channel.objects.filter(pk=activity.channel_id).exists()


def test_a_channel_that_was_never_used_is_deleted_with_its_keys(admin_client):
    channel = make_channel()
    make_key(channel)
    make_rejected(channel=channel)
    url = reverse("admin:channels_channel_delete", args=[channel.pk])

    page = admin_client.get(url)
    admin_client.post(url, {"post": "yes"})

    assert "1 API keys" in page.text
    assert "1 inspector lines" in page.text
    assert not Channel.objects.exists()


def test_the_page_of_a_channel_has_the_switches_of_other_formats(admin_client):
    channel = make_channel()

    html = admin_client.get(change_url(channel)).text
    admin_client.post(change_url(channel), channel_form(channel, source_enabled="on"))

    for identifier in (channel.account_id, channel.site_id):
        assert f'data-copy="{identifier}"' in html
    assert f"/admin/settings/tracking/#channel-{channel.pk}" in html
    channel.refresh_from_db()
    switches = (
        channel.event_tracking_enabled,
        channel.source_enabled,
        channel.accepts_new_event_names,
    )
    assert switches == (False, True, False)


def test_a_new_channel_takes_events_of_all_formats(admin_client):
    admin_client.post(reverse("admin:channels_channel_add"), channel_form())

    channel = Channel.objects.get()
    assert channel.event_tracking_enabled
    assert channel.source_enabled
    assert channel.accepts_new_event_names


def test_the_page_of_a_channel_neither_shows_nor_takes_its_keys(admin_client):
    channel = make_channel()

    html = admin_client.get(change_url(channel)).text
    admin_client.post(
        change_url(channel), channel_form(channel, event_key="mine", account_id="mine")
    )

    assert channel.event_key not in html
    assert channel.source_key not in html
    before = (channel.event_key, channel.account_id)
    channel.refresh_from_db()
    assert (channel.event_key, channel.account_id) == before


def test_saving_a_channel_does_not_bring_a_replaced_key_back(admin_client, monkeypatch):
    channel = make_channel()
    clean = ChannelForm.clean

    def clean_while_somebody_replaces_the_key(form):
        rotate_event_key(Channel.objects.get())
        return clean(form)

    monkeypatch.setattr(ChannelForm, "clean", clean_while_somebody_replaces_the_key)

    admin_client.post(change_url(channel), channel_form(channel, name="Renamed"))

    saved = Channel.objects.get()
    assert saved.name == "Renamed"
    assert saved.event_key != channel.event_key


def test_a_website_channel_becomes_a_headless_one(admin_client):
    channel = make_channel(kind="website", domain="www.example.com")
    form = channel_form(channel, kind="headless", domain=channel.domain)

    admin_client.post(change_url(channel), form)

    channel.refresh_from_db()
    assert (channel.kind, channel.domain) == ("headless", "")


def open_page(client, channel):
    """The form of the channel's page, as its user has it in the browser."""
    return form_on(client.get(change_url(channel)))


def test_two_users_who_save_one_channel_do_not_undo_each_other(admin_client):
    channel = make_channel(name="Shop", allowed_origins=["a.example"])
    first, second = open_page(admin_client, channel), open_page(admin_client, channel)

    admin_client.post(
        change_url(channel),
        first | {"allowed_origins": "a.example\nb.example", "source_enabled": ""},
    )
    response = admin_client.post(change_url(channel), second | {"name": "Store"})

    channel.refresh_from_db()
    assert response.status_code == 302
    assert (channel.name, channel.allowed_origins) == ("Store", ["a.example", "b.example"])
    assert not channel.source_enabled


def test_field_of_a_channel_that_another_user_changed_is_shown_and_not_overwritten(admin_client):
    channel = make_channel(name="Shop", allowed_origins=["a.example"])
    first, second = open_page(admin_client, channel), open_page(admin_client, channel)
    admin_client.post(
        change_url(channel), first | {"name": "Store", "allowed_origins": "b.example"}
    )

    page = admin_client.post(
        change_url(channel), second | {"name": "Market", "allowed_origins": "c.example"}
    )

    errors = page.context["adminform"].form.errors
    assert set(errors) == {"name", "allowed_origins"}
    assert "this has become “Store”" in errors["name"][0]
    assert "b.example" in errors["allowed_origins"][0]
    channel.refresh_from_db()
    assert (channel.name, channel.allowed_origins) == ("Store", ["b.example"])

    again = form_on(page)
    assert (again["name"], again["allowed_origins"]) == ("Market", "c.example")
    response = admin_client.post(change_url(channel), again)

    channel.refresh_from_db()
    assert response.status_code == 302
    assert (channel.name, channel.allowed_origins) == ("Market", ["c.example"])


def test_channel_that_another_user_made_a_website_keeps_its_domain(admin_client):
    channel = make_channel(name="Shop")
    first, second = open_page(admin_client, channel), open_page(admin_client, channel)
    admin_client.post(change_url(channel), first | {"kind": "website", "domain": "www.example.com"})

    response = admin_client.post(change_url(channel), second | {"name": "Store"})

    channel.refresh_from_db()
    assert response.status_code == 302
    assert (channel.name, channel.kind, channel.domain) == ("Store", "website", "www.example.com")


@pytest.mark.django_db(transaction=True)
def test_a_channel_that_another_user_is_saving_in_this_moment_is_not_overwritten(admin_client):
    channel = make_channel(name="Shop")
    changed = open_page(admin_client, channel) | {"name": "Market"}

    with ThreadPoolExecutor(1) as executor:
        with transaction.atomic():
            Channel.objects.filter(pk=channel.pk).update(name="Store")
            saving = executor.submit(post_and_close, admin_client, change_url(channel), changed)
            wait_until_somebody_waits()
        page = saving.result(timeout=60)

    assert "this has become “Store”" in page.context["adminform"].form.errors["name"][0]
    channel.refresh_from_db()
    assert channel.name == "Store"


def post_and_close(client, url, data):
    try:
        return client.post(url, data)
    finally:
        connections.close_all()
