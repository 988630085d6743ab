"""Domains of website channels: kept as browsers write them in `Host`."""

import importlib

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import connection

from channels.known import channel_of_host
from channels.models import Channel
from database.loop import finish

pytestmark = pytest.mark.django_db


def website(domain):
    return Channel(name="Main", code_name="main", kind="website", domain=domain)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("https://www.Example.com/", "www.example.com"),
        (" www.example.com ", "www.example.com"),
        ("http://www.example.com:80//", "www.example.com"),
        ("bücher-markt.example", "xn--bcher-markt-thb.example"),
        ("https://Straße.example", "xn--strae-oqa.example"),
        ("main.localhost:8000", "main.localhost:8000"),
        ("www.example.com:443", "www.example.com"),
        ("www.example.com:80", "www.example.com"),
        ("WWW.Example.COM.", "www.example.com"),
        ("https://www.example.com.:443/", "www.example.com"),
        ("http://www.example.com:443", "www.example.com:443"),
    ],
)
def test_domain_is_kept_as_browsers_write_it(typed, kept):
    channel = website(typed)
    channel.full_clean()
    channel.save()

    assert channel.domain == kept
    assert finish(channel_of_host(kept)) == channel


@pytest.mark.parametrize(
    "typed",
    ["www x.example", "https://www.example.com/de", "ftp://www.example.com", "www.example.com?a",
     "me@www.example.com", "https://", "www..example", "www.example.com:99999", "/",
     "www.example..", "."],
)  # fmt: skip
def test_what_is_no_domain_is_refused_with_a_reason(typed):
    with pytest.raises(ValidationError) as raised:
        website(typed).full_clean()

    assert raised.value.message_dict["domain"] == [
        "This is not a domain: write www.example.com, without a path."
    ]


def test_two_spellings_are_one_domain():
    channel = website("bücher.example")
    channel.full_clean()
    channel.save()
    other = website("https://xn--bcher-kva.example/")
    other.code_name = "other"

    with pytest.raises(ValidationError, match="Another channel has this domain"):
        other.full_clean()


def test_domain_in_a_form_is_refused_at_its_field(admin_client):
    response = admin_client.post(
        "/admin/channels/channel/add/",
        {"name": "Main", "code_name": "main", "kind": "website", "domain": "www x.example",
         "agree_cookie_level": 1000, "default_cookie_level": 0},
    )  # fmt: skip

    assert set(response.context["adminform"].form.errors) == {"domain"}


def _save_as_before(domain, code_name, origins=()):
    """A channel whose domain and origins were saved as they were typed."""
    channel = Channel.objects.create(
        name=code_name, code_name=code_name, kind="website", domain=f"{code_name}.example"
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE channels_channel SET domain = %s, allowed_origins = %s WHERE id = %s",
            [domain, list(origins), channel.pk],
        )
    return channel


def test_domains_and_origins_of_before_are_written_as_browsers_do():
    typed = _save_as_before("https://www.Example.com/", "typed", ["https://Bücher.example:443/"])
    taken = _save_as_before("bücher.example", "taken")
    owner = _save_as_before("xn--bcher-kva.example", "owner")
    odd = _save_as_before("www example", "odd")

    name = "channels.migrations.0007_domains_as_browsers_write_them"
    importlib.import_module(name).write_as_browsers_do(apps, None)

    for channel in (typed, taken, owner, odd):
        channel.refresh_from_db()
    assert (typed.domain, typed.allowed_origins) == (
        "www.example.com", ["https://xn--bcher-kva.example"],
    )  # fmt: skip
    assert (taken.domain, owner.domain) == ("bücher.example", "xn--bcher-kva.example")
    assert odd.domain == "www example"


def test_domains_of_before_lose_what_browsers_do_not_send():
    port = _save_as_before("www.example.com:443", "port")
    dot = _save_as_before("shop.example.com.", "dot")
    owner = _save_as_before("owned.example.com", "owner")
    taken = _save_as_before("owned.example.com:80", "taken")

    name = "channels.migrations.0008_domains_without_ports_that_are_not_sent"
    importlib.import_module(name).leave_out_ports(apps, None)

    for channel in (port, dot, owner, taken):
        channel.refresh_from_db()
    assert (port.domain, dot.domain) == ("www.example.com", "shop.example.com")
    assert (owner.domain, taken.domain) == ("owned.example.com", "owned.example.com:80")
