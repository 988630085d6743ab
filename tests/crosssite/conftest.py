"""A main site and its tracked sites."""

import pytest

from channels.models import Channel
from crosssite.models import TrackedSite
from tests.crosssite.browsers import BLOG, SHOP, Browser
from tests.factories import make_consent


@pytest.fixture
def consent(db):
    return make_consent()


@pytest.fixture
def free_channel(db):
    """A main site without a tracking consent."""
    return Channel.objects.create(
        code_name="main", name="Main", kind="website", domain="main.example"
    )


@pytest.fixture
def channel(free_channel, consent):
    """The same with one."""
    free_channel.tracking_consent = consent
    free_channel.save()
    return free_channel


def make_site(channel, url, **fields):
    return TrackedSite.objects.create(
        name=url, code_name=url.partition("://")[2].replace(".", "-"), url=url, channel=channel
    )


@pytest.fixture
def shop(free_channel):
    return make_site(free_channel, SHOP)


@pytest.fixture
def blog(free_channel):
    return make_site(free_channel, BLOG)


@pytest.fixture
def browser(shop):
    """A browser on a page of the shop."""
    return Browser()
