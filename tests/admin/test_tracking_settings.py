"""“Settings, Tracking”: what developers copy, and the switches and keys of channels."""

import re
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from activities.models import Activity
from activities.problems import Status
from activities.quality import count_events
from adminsite.formatting import change_url
from channels.models import Channel
from tests.admin.history import NASTY
from tests.factories import make_channel, make_contact, make_key

pytestmark = pytest.mark.django_db

URL = "/admin/settings/tracking/"
IDENTIFIERS = ("account_id", "event_key", "site_id", "source_key")
KEYS = {"event-key": "event_key", "source-key": "source_key"}
SWITCHES = {"event-tracking": "event_tracking_enabled", "source": "source_enabled"}


def replace_url(channel, slug):
    return reverse("tracking_settings:replace", args=[channel.pk, slug])


def switch_url(channel, slug):
    return reverse("tracking_settings:switch", args=[channel.pk, slug])


def identifiers_url(channel):
    return reverse("tracking_settings:identifiers", args=[channel.pk])


def test_the_page_has_the_identifiers_of_every_channel_to_copy(admin_client):
    app = make_channel()
    site = make_channel(kind="website", domain="www.example.com")

    html = admin_client.get(URL).text

    for channel in (app, site):
        for name in ("guid", *IDENTIFIERS):
            assert f'data-copy="{getattr(channel, name)}"' in html


def test_the_page_has_the_addresses_of_each_format(admin_client):
    make_channel()

    html = admin_client.get(URL).text

    for path in ("/event", "/visit", "/api/3", "/events", "/events/batch"):
        assert f'data-copy="http://testserver{path}"' in html
    assert f'href="{reverse("api-docs")}"' in html


@pytest.mark.parametrize(
    ("invalid", "text"),
    [
        (0, "Quality 100 % (sunny)"),
        (1, "Quality 99.90 % (cloudy)"),
        (100, "Quality 90.90 % (rainy)"),
        (1000, "Quality 50 % (stormy)"),
    ],
)
def test_the_quality_of_a_source_is_its_weather(admin_client, invalid, text):
    channel, now = make_channel(), timezone.now()
    counts = {Status.VALID: 1000, Status.INVALID_REJECTED: invalid}
    count_events({(channel.pk, status): count for status, count in counts.items()}, now)
    count_events({(channel.pk, Status.FAILED): 1_000_000}, now - timedelta(days=8))

    page = admin_client.get(URL)

    assert text in page.text
    (card,) = page.context["cards"]
    assert card.counts == [("Valid", 1000), *([("Invalid, rejected", invalid)] if invalid else [])]


def test_there_is_no_quality_of_nothing(admin_client):
    channel = make_channel()
    count_events({(channel.pk, Status.FILTERED): 3}, timezone.now())

    html = admin_client.get(URL).text

    assert "Nothing that could be judged came in the last 7 days. Filtered: 3." in html
    assert "Quality" not in html


def test_without_channels_the_page_says_what_comes_first(admin_client, log_in):
    assert reverse("admin:channels_channel_add") in admin_client.get(URL).text

    html = log_in("view_channel").get(URL).text
    assert "A channel comes first" in html
    assert reverse("admin:channels_channel_add") not in html


@pytest.mark.parametrize("count", [1, 5])
def test_the_page_takes_a_constant_number_of_queries(
    admin_client, count, django_assert_num_queries
):
    for _ in range(count):
        make_key(access="activecampaign")
    admin_client.get(URL)

    with django_assert_num_queries(12):
        admin_client.get(URL)


def test_names_are_escaped(admin_client):
    channel, _ = (make_channel(name=NASTY) for _ in range(2))
    make_key(channel, name=NASTY)

    for url in (URL, replace_url(channel, "event-key"), identifiers_url(channel)):
        html = admin_client.get(url).text
        assert "&lt;script&gt;alert" in html
        assert "<script>alert" not in html
        assert "<img src=x" not in html


def test_the_page_needs_the_permission_to_view_channels(log_in):
    channel = make_channel()

    page = log_in("view_contact").get(URL)

    assert page.status_code == 403
    assert channel.account_id not in page.text


def test_strangers_are_sent_to_the_login(client):
    channel = make_channel()

    for url in (URL, replace_url(channel, "event-key"), identifiers_url(channel)):
        answer = client.get(url)
        assert answer.headers["Location"] == f"{reverse('admin:login')}?next={url}"


def test_keys_are_hidden_from_those_who_may_only_view_channels(log_in):
    channel = make_channel()

    html = log_in("view_channel").get(URL).text

    assert channel.account_id in html
    assert channel.site_id in html
    assert channel.event_key not in html
    assert channel.source_key not in html
    assert replace_url(channel, "event-key") not in html
    assert switch_url(channel, "event-tracking") not in html
    assert identifiers_url(channel) not in html


def test_those_who_may_change_channels_see_their_keys(log_in):
    channel = make_channel()

    html = log_in("view_channel", "change_channel").get(URL).text

    assert channel.event_key in html
    assert channel.source_key in html


def test_only_those_who_may_change_channels_change_anything(log_in):
    channel = make_channel()
    before = Channel.objects.values().get()
    client = log_in("view_channel")

    answers = [
        *(client.post(replace_url(channel, slug)) for slug in KEYS),
        *(client.post(switch_url(channel, slug), {"on": "0"}) for slug in SWITCHES),
        client.get(replace_url(channel, "event-key")),
        client.get(identifiers_url(channel)),
        client.post(identifiers_url(channel), dict.fromkeys(IDENTIFIERS, "mine")),
    ]

    assert [answer.status_code for answer in answers] == [403] * 7
    assert Channel.objects.values().get() == before


@pytest.mark.parametrize("slug", KEYS)
def test_replacing_a_key_asks_first_and_says_what_stops(admin_client, slug):
    channel = make_channel()
    before = Channel.objects.values().get()

    page = admin_client.get(replace_url(channel, slug))

    assert "What stops working" in page.text
    assert "are refused from then on" in page.text
    assert Channel.objects.values().get() == before


@pytest.mark.parametrize("slug", KEYS)
def test_replacing_a_key_makes_a_new_one_and_nothing_else(admin_client, slug):
    channel = make_channel()
    before = Channel.objects.values().get()

    answer = admin_client.post(replace_url(channel, slug))

    after = Channel.objects.values().get()
    assert {name for name in after if after[name] != before[name]} == {KEYS[slug]}
    assert answer.headers["Location"] == URL  # with a place on it, the message is out of sight
    page = admin_client.get(URL)
    link = (
        f'“<a href="#channel-{channel.pk}" class="font-medium text-link">{channel}</a>” has a new'
    )
    assert link in page.text
    assert before[KEYS[slug]] not in page.text
    assert after[KEYS[slug]] in page.text


def test_a_replaced_source_key_sends_nothing_any_more(admin_client, client):
    channel = make_channel()

    def send(key):
        client.post(
            f"/events?tc_s={channel.site_id}&token={key}",
            {"event_name": "page_view", "user": {"id": "u1"}},
            content_type="application/json",
        )
        return Activity.objects.filter(channel=channel).count()

    before = send(channel.source_key)
    admin_client.post(replace_url(channel, "source-key"))
    with_old = send(channel.source_key)
    channel.refresh_from_db()
    with_new = send(channel.source_key)

    assert (before, with_old, with_new) == (1, 1, 2)


def test_a_replaced_event_key_logs_nothing_any_more(admin_client, client):
    channel = make_channel()
    make_contact(email="ada@example.com")

    def send(key):
        fields = {"event": "signed_up", "visit": '{"email":"ada@example.com"}'}
        answer = client.post("/event", {"actid": channel.account_id, "key": key, **fields})
        return answer.json()["success"]

    before = send(channel.event_key)
    admin_client.post(replace_url(channel, "event-key"))
    with_old = send(channel.event_key)
    channel.refresh_from_db()
    with_new = send(channel.event_key)

    assert (before, with_old, with_new) == (1, 0, 1)
    assert Activity.objects.filter(channel=channel).count() == 2


@pytest.mark.parametrize("slug", KEYS)
def test_replacing_a_key_is_in_the_history_without_the_key(admin_client, admin_user, slug):
    channel = make_channel()

    admin_client.post(replace_url(channel, slug))

    entry = LogEntry.objects.get()
    assert entry.user == admin_user
    assert entry.get_edited_object() == channel
    assert entry.get_change_message() == f"Replaced the {slug.replace('-', ' ')}."


@pytest.mark.parametrize("slug", SWITCHES)
def test_a_switch_is_thrown_once_however_often_it_is_pressed(admin_client, slug):
    channel = make_channel()
    states = []

    for on in ("0", "0", "1"):
        answer = admin_client.post(switch_url(channel, slug), {"on": on})
        channel.refresh_from_db()
        states.append(getattr(channel, SWITCHES[slug]))

    assert states == [False, False, True]
    assert answer.headers["Location"] == f"{URL}#channel-{channel.pk}"
    assert LogEntry.objects.count() == 2
    others = set(SWITCHES.values()) - {SWITCHES[slug]}
    assert all(getattr(channel, name) for name in others)


@pytest.mark.parametrize("slug", SWITCHES)
def test_switches_are_thrown_by_post_only(admin_client, slug):
    channel = make_channel()

    answer = admin_client.get(switch_url(channel, slug), {"on": "0"})

    channel.refresh_from_db()
    assert answer.status_code == 405
    assert getattr(channel, SWITCHES[slug])


def test_nothing_is_changed_without_the_token_of_the_page(admin_user):
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)
    channel = make_channel()
    before = Channel.objects.values().get()

    answers = [
        client.post(switch_url(channel, "event-tracking"), {"on": "0"}),
        client.post(replace_url(channel, "event-key")),
        client.post(identifiers_url(channel), dict.fromkeys(IDENTIFIERS, "mine")),
    ]

    assert [answer.status_code for answer in answers] == [403] * 3
    assert Channel.objects.values().get() == before


@pytest.mark.parametrize("url", ["1/switch/nothing/", "1/replace/nothing/", "1/identifiers/"])
def test_what_does_not_exist_is_not_found(admin_client, url):
    assert admin_client.post(f"{URL}{url}").status_code == 404


def test_the_identifiers_of_another_system_are_taken_over(admin_client):
    channel = make_channel()
    given = {
        "account_id": "25100231",
        "event_key": channel.event_key,
        "site_id": "1234",
        "source_key": "NJtcKaoCYu+BMUw==",
    }

    admin_client.post(identifiers_url(channel), given)

    assert Channel.objects.values(*IDENTIFIERS).get() == given
    message = LogEntry.objects.get().get_change_message()
    assert message == "Changed: Account ID (actid), Site ID (tc_s), Source key."


def posted_by(page):
    """What a browser posts that has this page: its fields, and the values that it was made of."""
    form = page.context["form"]
    shown = {field.html_name: field.value() for field in form}
    hidden = re.findall(r'<input type="hidden" name="(initial-\w+)" value="([^"]*)"', page.text)
    return shown | dict(hidden)


@pytest.mark.parametrize("slug", KEYS)
def test_an_old_page_does_not_bring_back_a_key_that_was_replaced(admin_client, slug):
    channel = make_channel()
    before = Channel.objects.values().get()
    old_page = posted_by(admin_client.get(identifiers_url(channel)))
    admin_client.post(replace_url(channel, slug))
    replaced = Channel.objects.values().get()

    admin_client.post(identifiers_url(channel), old_page | {"site_id": "1234"})

    after = Channel.objects.values().get()
    assert replaced[KEYS[slug]] != before[KEYS[slug]]
    assert after == replaced | {"site_id": "1234"}
    messages = [entry.get_change_message() for entry in LogEntry.objects.order_by("-pk")]
    assert messages[0] == "Changed: Site ID (tc_s)."


def test_an_identifier_that_became_something_else_meanwhile_is_shown_first(admin_client):
    channel = make_channel()
    old_page = posted_by(admin_client.get(identifiers_url(channel)))
    Channel.objects.filter(pk=channel.pk).update(site_id="5678")

    page = admin_client.post(identifiers_url(channel), old_page | {"site_id": "1234"})

    (error,) = page.context["form"].errors["site_id"]
    assert "this has become “5678”" in error
    assert Channel.objects.get().site_id == "5678"
    assert admin_client.post(identifiers_url(channel), posted_by(page)).status_code == 302
    assert Channel.objects.get().site_id == "1234"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"account_id": "taken"}, "Another channel has this account ID."),
        ({"source_key": "taken"}, "Another channel has this source key."),
        ({"source_key": "has spaces"}, "Use letters, digits and signs without spaces."),
        ({"event_key": ""}, "This field is required."),
    ],
)
def test_identifiers_that_cannot_be_are_refused(admin_client, changes, reason):
    make_channel(account_id="taken", source_key="taken")
    channel = make_channel()
    before = Channel.objects.values().get(pk=channel.pk)
    given = {name: before[name] for name in IDENTIFIERS} | changes

    page = admin_client.post(identifiers_url(channel), given)

    assert page.context["form"].errors == {name: [reason] for name in changes}
    assert reason in page.text
    assert Channel.objects.values().get(pk=channel.pk) == before


def test_api_keys_are_named_by_what_they_open(admin_client):
    channel = make_channel()
    key, _ = make_key(channel, access="activecampaign", name="CRM")
    make_key(channel, access="activecampaign", name="Disabled", enabled=False)
    make_key(channel, access="activecampaign", name="Expired", expires_at=timezone.now())
    make_key(access="activecampaign", name="Of another channel")

    (card,) = [one for one in admin_client.get(URL).context["cards"] if one.channel == channel]

    assert {line.address: line.keys for line in card.key_lines} == {
        "http://testserver/Kentico.Tracking": [],
        "http://testserver/Kentico.Tracking/contacts/GUID/groups": [],
        "http://testserver/Kentico.Tracking/automations/CODE_NAME/runs": [],
        "http://testserver/hub/v1": [],
        "http://testserver/api/3": [key],
        f"http://testserver/v2/{channel.site_id}": [],
    }


@pytest.mark.parametrize(
    ("label", "access"),
    [("Contact groups", "groups"), ("ActiveCampaign-format API", "activecampaign")],
)
def test_a_new_key_of_an_access_type_is_one_click_away(admin_client, label, access):
    make_channel()
    (card,) = admin_client.get(URL).context["cards"]
    (line,) = [line for line in card.key_lines if line.label == label]

    page = admin_client.get(line.new_key_url)

    assert re.search(rf'<option value="{access}"\s+selected', page.text)


def test_api_keys_are_for_those_who_may_see_them(log_in):
    key, _ = make_key(name="CRM")
    client = log_in("view_channel")
    hidden = client.get(URL).text
    client.get(reverse("admin:logout"))
    User.objects.all().delete()

    shown = log_in("view_channel", "view_apikey").get(URL).text

    assert change_url(key) not in hidden
    assert change_url(key) in shown


@pytest.mark.parametrize("door", ["activecampaign", "commandersact"])
def test_the_inspector_is_linked_for_those_who_may_see_it(log_in, door):
    channel = make_channel()
    link = f"/admin/activities/rejectedactivity/?door={door}&amp;channel__id__exact={channel.pk}"
    with_inspector = log_in("view_channel", "view_rejectedactivity")

    assert link in with_inspector.get(URL).text
    User.objects.get().user_permissions.remove(
        Permission.objects.get(codename="view_rejectedactivity")
    )
    assert link not in with_inspector.get(URL).text
