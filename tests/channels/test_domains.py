"""Domains of website channels: kept as browsers write them in `Host`."""

import pytest
from django.core.exceptions import ValidationError

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
     "me@www.example.com", "https://", "www..example", "www.example.com:99999", "/"],
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
