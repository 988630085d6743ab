"""Channels by what requests name them, and for how long a process goes on with an answer."""

import pytest

from channels.known import (
    channel_of_account,
    channel_of_host,
    channels_of_site,
    is_website,
)
from database.loop import finish
from database.memory import forget_everything
from tests.factories import make_channel

pytestmark = pytest.mark.django_db


@pytest.fixture
def remembering(settings):
    """The process remembers what it reads from now on, and nothing of other tests."""
    settings.REMEMBERED_SECONDS = 60
    forget_everything()
    yield
    forget_everything()


def test_channels_are_found_by_what_requests_name():
    site = make_channel(kind="website", domain="www.example.com", site_id="1", account_id="10")
    app = make_channel(site_id="1", account_id="11")
    make_channel(site_id="2", account_id="12")

    assert finish(channel_of_host("www.example.com")) == site
    assert finish(channel_of_account("11")) == app
    assert set(finish(channels_of_site("1"))) == {site, app}
    assert finish(is_website("www.example.com"))
    assert finish(is_website("www.example.com:8000"))


def test_nothing_is_found_by_what_no_channel_has():
    make_channel()

    assert finish(channel_of_host("www.example.com")) is None
    assert finish(channel_of_host("")) is None  # the domain of every headless channel
    assert finish(channel_of_account("10")) is None
    assert finish(channels_of_site("1")) == ()
    assert not finish(is_website("www.example.com"))
    assert not finish(is_website(""))


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("site.localhost:8000", "site.localhost:8000"),
        ("site.localhost:9000", "site.localhost"),
        ("site.localhost", "site.localhost"),
    ],
)
def test_a_domain_with_the_port_of_the_host_comes_first(host, domain):
    for one in ("site.localhost", "site.localhost:8000"):
        make_channel(kind="website", domain=one)

    assert finish(channel_of_host(host)).domain == domain


@pytest.mark.usefixtures("remembering")
def test_the_answers_are_remembered_with_the_tracking_consent(django_assert_num_queries):
    make_channel(kind="website", domain="www.example.com", site_id="1", account_id="10")

    def ask():
        host, account = "www.example.com", "10"
        named = [finish(channel_of_host(host)), finish(channel_of_account(account))]
        named += finish(channels_of_site("1"))
        return [finish(is_website("www.example.com")), *(one.tracking_consent for one in named)]

    with django_assert_num_queries(4):
        assert ask() == ask()


@pytest.mark.usefixtures("remembering")
def test_a_saved_channel_counts_at_once_in_its_process(django_capture_on_commit_callbacks):
    channel = make_channel(account_id="10")
    finish(channel_of_account("10"))

    with django_capture_on_commit_callbacks(execute=True):
        channel.name = "Renamed"
        channel.save()

    assert finish(channel_of_account("10")).name == "Renamed"
