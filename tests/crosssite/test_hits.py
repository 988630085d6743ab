"""Counting the requests of browsers: together with what is recorded, and none is lost."""

from uuid import uuid4

import pytest

from activities.recording import Source, add_soon
from crosssite.hits import MOST_UNKNOWN_ORIGINS, OTHER_ORIGINS, among_unknown_origins, make_hit
from crosssite.models import BrowserHits
from database.loop import finish
from tests.factories import make_channel

pytestmark = pytest.mark.django_db

RECORDED, CONSENT = BrowserHits.Outcome.RECORDED, BrowserHits.Outcome.CONSENT
ORIGIN = BrowserHits.Outcome.ORIGIN
SHOP, BLOG = "https://shop.example", "https://blog.example"


def count(channel, *hits):
    source = Source(door="test", channel=channel, request_id=uuid4())
    finish(add_soon(hits, source=source))


def test_hits_of_one_kind_are_added_up():
    channel = make_channel()

    for number in range(3):
        visit = make_hit(channel, SHOP, RECORDED, page_url=f"{SHOP}/{number}", times=2)
        count(channel, visit, make_hit(channel, BLOG, CONSENT), visit)

    counts = dict(BrowserHits.objects.values_list("origin", "count"))
    assert counts == {SHOP: 12, BLOG: 3}
    assert BrowserHits.objects.get(origin=SHOP).last_path == "/2"


def test_last_page_and_version_are_kept():
    channel = make_channel()

    count(channel, make_hit(channel, SHOP, RECORDED, page_url=f"{SHOP}/first", version="1"))
    count(channel, make_hit(channel, SHOP, RECORDED, page_url=f"{SHOP}/second", version="2\0"))

    hits = BrowserHits.objects.get()
    assert (hits.count, hits.last_path, hits.last_version) == (2, "/second", "2")


def test_very_many_unknown_origins_are_counted_together():
    channel = make_channel()
    hits = [make_hit(channel, f"https://{n}.example", ORIGIN) for n in range(MOST_UNKNOWN_ORIGINS)]
    assert among_unknown_origins(hits[0]) == hits[0]
    count(channel, *hits)

    assert among_unknown_origins(make_hit(channel, BLOG, ORIGIN)).origin == OTHER_ORIGINS
    assert among_unknown_origins(hits[0]).origin == "https://0.example"
