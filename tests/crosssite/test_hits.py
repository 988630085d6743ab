"""Counting the requests of browsers: those that come at once share a commit, and none is lost."""

from functools import partial

import pytest

from crosssite.hits import count_hit
from crosssite.models import BrowserHits
from tests.factories import make_channel
from tests.threads import run_at_once

RECORDED, CONSENT = BrowserHits.Outcome.RECORDED, BrowserHits.Outcome.CONSENT
SHOP, BLOG = "https://shop.example", "https://blog.example"


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_hits_at_once_are_all_counted():
    channel = make_channel()

    def visit(number):
        for _ in range(5):
            count_hit(channel, SHOP, RECORDED, page_url=f"{SHOP}/{number}", times=2)
            count_hit(channel, BLOG, CONSENT)

    run_at_once(*[partial(visit, number) for number in range(16)])

    counts = dict(BrowserHits.objects.values_list("origin", "count"))
    assert counts == {SHOP: 160, BLOG: 80}
    assert BrowserHits.objects.get(origin=SHOP).last_path.startswith("/")


@pytest.mark.django_db
def test_last_page_and_version_are_kept():
    channel = make_channel()

    count_hit(channel, SHOP, RECORDED, page_url=f"{SHOP}/first", version="1")
    count_hit(channel, SHOP, RECORDED, page_url=f"{SHOP}/second", version="2\0")

    hits = BrowserHits.objects.get()
    assert (hits.count, hits.last_path, hits.last_version) == (2, "/second", "2")
