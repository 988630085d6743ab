"""How many requests a channel may make within a second in the ActiveCampaign format."""

import pytest

from tests.factories import make_channel
from tracking.activecampaign import rates
from web import limits
from web.models import LimitCount
from web.problems import Problem

pytestmark = pytest.mark.django_db


@pytest.fixture
def clock(monkeypatch):
    """The time, which stands still until a test moves it."""
    clock = {"now": 1_000_000.4}
    monkeypatch.setattr(limits.time, "time", lambda: clock["now"])
    return clock


@pytest.mark.usefixtures("clock")
def test_nothing_is_counted_unless_a_limit_is_set(settings):
    channel = make_channel()

    for _ in range(50):
        rates.count_request(channel)
    assert not LimitCount.objects.exists()

    settings.ACTIVECAMPAIGN_REQUESTS_PER_SECOND = 50
    rates.count_request(channel)
    assert LimitCount.objects.get().count == 1


@pytest.mark.usefixtures("clock")
def test_one_request_too_many_is_429_and_says_when_to_try_again(settings):
    settings.ACTIVECAMPAIGN_REQUESTS_PER_SECOND = 2
    channel = make_channel()
    rates.count_request(channel)
    rates.count_request(channel)

    with pytest.raises(Problem) as refused:
        rates.count_request(channel)

    assert (refused.value.status, refused.value.code) == (429, "too_many_requests")
    assert refused.value.headers == {
        "Retry-After": "1",
        "RateLimit-Limit": "2",
        "RateLimit-Remaining": "0",
    }
    rates.count_request(make_channel())


def test_next_second_has_room_again(settings, clock):
    settings.ACTIVECAMPAIGN_REQUESTS_PER_SECOND = 1
    channel = make_channel()
    rates.count_request(channel)

    clock["now"] += 0.7

    rates.count_request(channel)
