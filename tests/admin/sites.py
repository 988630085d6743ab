"""Tracked sites for the tests of their pages."""

import re
from html import unescape

from crosssite.models import TrackedSite
from tests.factories import make_channel

URL = "https://shop.example.com"
ADD_URL = "/admin/crosssite/trackedsite/add/"


def make_website(**fields):
    return make_channel(**{"kind": "website", "domain": "www.example.com", **fields})


def make_site(channel=None, **fields):
    return TrackedSite.objects.create(
        **{
            "name": "Shop",
            "code_name": "shop",
            "url": URL,
            "channel": channel or make_website(),
            **fields,
        }
    )


def codes_on(response):
    return [
        unescape(code)
        for code in re.findall(r"<pre[^>]*><code[^>]*>(.*?)</code></pre>", response.text, re.S)
    ]
