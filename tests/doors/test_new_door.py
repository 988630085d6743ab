"""A new door is one package and one line in the table: the hub knows the rest from that."""

import re
from importlib import reload

import pytest
from django.core.management import call_command
from django.urls import clear_url_caches, reverse

from activities.models import Activity, ActivityType, RejectedActivity
from adminsite.formatting import changelist_url
from channels.models import ApiKey, Channel
from config import urls
from tests.factories import make_channel, make_key
from web import middleware

pytestmark = pytest.mark.django_db

LINE = "tests.doors.bell.door"


def read_the_urls_again():
    """A process reads its table once: what is done here happens when it starts."""
    reload(urls)
    clear_url_caches()
    middleware._resolve.cache_clear()


@pytest.fixture
def bell(settings):
    """The hub with the line of the bell in its table."""
    doors = settings.DOORS
    settings.DOORS = [*doors, LINE]
    read_the_urls_again()
    yield
    settings.DOORS = doors
    read_the_urls_again()


@pytest.fixture
def ring(client):
    def ring(key, path="/bell/ring", **headers):
        return client.post(path, headers={"Bell": key, **headers})

    return ring


def test_without_its_line_there_is_no_bell(ring, client):
    _, key = make_key(access="bell")

    answer = ring(key)

    assert answer.status_code == 404
    assert "Request-Id" not in answer


@pytest.mark.usefixtures("bell")
def test_its_requests_have_an_id_and_are_recorded_under_their_own_name(ring):
    _, key = make_key(access="bell")

    answer = ring(key, "/BELL/Ring/")

    activity = Activity.objects.get()
    assert answer.status_code == 204
    assert answer["Request-Id"] == str(activity.request_id)
    assert (activity.type.code_name, activity.type.name) == ("rang twice", "Rang Twice")
    assert activity.type.get_door_display() == "Doorbell"


@pytest.mark.usefixtures("bell")
def test_a_key_of_another_door_does_not_ring(ring):
    _, key = make_key()

    assert ring(key).json()["code"] == "no_bell"


@pytest.mark.usefixtures("bell")
def test_what_it_refuses_is_in_the_inspector_by_its_title(ring, admin_client):
    answer = ring("wrong")

    page = admin_client.get(changelist_url(RejectedActivity))

    assert answer["Request-Id"] == str(RejectedActivity.objects.get().request_id)
    assert re.search(r'<option value="bell">\s*Doorbell\s*</option>', page.text)
    assert re.search(r"field-shown_format[^>]*>\s*Doorbell\s*</td>", page.text)


@pytest.mark.usefixtures("bell")
def test_it_answers_for_itself_while_the_hub_is_read_only(ring, settings):
    settings.READ_ONLY = True

    assert ring("").json()["code"] == "read_only"


@pytest.mark.usefixtures("bell")
def test_every_page_may_read_it_with_cookies(ring):
    answer = ring("", Origin="https://anywhere.example")

    assert answer["Access-Control-Allow-Origin"] == "https://anywhere.example"
    assert answer["Access-Control-Allow-Credentials"] == "true"


@pytest.mark.usefixtures("bell")
def test_activity_types_can_be_filtered_by_it(admin_client):
    page = admin_client.get(changelist_url(ActivityType, "door__exact=bell"))

    assert re.search(r'value="bell"[^>]*checked', page.text)
    assert "Doorbell" in page.text


@pytest.mark.usefixtures("bell")
def test_keys_are_made_for_it_in_the_admin_with_a_line_to_try(admin_client):
    channel = make_channel(code_name="front")
    url = reverse("admin:channels_channel_new_key", args=[channel.pk])

    form = admin_client.get(f"{url}?access=bell")
    page = admin_client.post(url, {"name": "Front door", "access": "bell"})

    assert re.search(r'<option value="bell"\s+selected>\s*Doorbell keys', form.text)
    assert ApiKey.objects.get().get_access_display() == "Doorbell keys"
    assert "curl http://testserver/bell" in page.text
    assert "# front" in page.text
    assert "Paste this into a terminal. It rings." in page.text


@pytest.mark.usefixtures("bell")
def test_keys_are_made_for_it_on_the_command_line(ring, capsys):
    make_channel(code_name="front")

    call_command("create_api_key", "front", "--access", "bell")

    assert ring(capsys.readouterr().out.strip()).status_code == 204


@pytest.mark.usefixtures("bell")
def test_settings_tracking_has_its_card_and_its_keys(admin_client):
    channel = make_channel(code_name="front", event_key="ding-dong")
    key, _ = make_key(channel, access="bell")

    page = admin_client.get("/admin/settings/tracking/")

    (card,) = page.context["cards"]
    line, form = card.key_lines[-1], card.formats[-1]
    assert (line.label, line.address) == ("Doorbell keys", "http://testserver/bell/front")
    assert line.keys == [key]
    assert form.name == "Doorbell format"
    assert form.addresses == [("http://testserver/bell/ring", "who rang")]
    assert form.example == "ring http://testserver front ding-dong EMAIL"
    for text in ("Name of the bell", "Bell key (bell)", "ding-dong", "It rings.", "at home"):
        assert text in page.text


@pytest.mark.usefixtures("bell")
def test_settings_tracking_throws_its_switch_and_replaces_its_key(admin_client):
    channel = make_channel()
    switch = reverse("tracking_settings:switch", args=[channel.pk, "bell"])
    replace = reverse("tracking_settings:replace", args=[channel.pk, "bell-key"])

    switched = admin_client.post(switch, {"on": "0"}, follow=True)
    asked = admin_client.get(replace)
    admin_client.post(replace)

    channel = Channel.objects.get()
    assert "It is silent." in switched.text
    assert "The bell." in asked.text
    assert (channel.accepts_new_event_names, channel.event_key) == (False, "a-new-bell-key")
