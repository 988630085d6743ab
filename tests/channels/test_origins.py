"""Channels and the origins that they allow."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from channels.models import Channel
from channels.origins import OriginsFormField, origin_matches, split_origins, validate_origin
from tests.factories import make_channel, make_consent


@pytest.mark.parametrize(
    ("text", "origins"),
    [
        ("", []),
        (" \n ", []),
        ("https://app.example.com", ["https://app.example.com"]),
        ("https://App.Example.com/", ["https://app.example.com"]),
        ("www.example.com;sampleapp.net", ["www.example.com", "sampleapp.net"]),
        ("a.example\r\nb.example, c.example\td.example",
         ["a.example", "b.example", "c.example", "d.example"]),
        ("*", ["*"]),
        ("a.example a.example A.EXAMPLE", ["a.example"]),
        ("https://Bücher.example:443/", ["https://xn--bcher-kva.example"]),
        ("straße.example", ["xn--strae-oqa.example"]),
        ("https://a.example/path", ["https://a.example/path"]),
    ],
)  # fmt: skip
def test_origins_are_split_and_made_alike(text, origins):
    assert split_origins(text) == origins


def test_origins_of_a_list_are_made_alike():
    assert split_origins([" https://A.example/ ", "", "*"]) == ["https://a.example", "*"]


@pytest.mark.parametrize("nothing", [None, [], ()])
def test_no_origins_are_an_empty_list(nothing):
    assert split_origins(nothing) == []


@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "localhost",
        "app.example.com",
        "https://app.example.com",
        "http://localhost:3000",
        "https://127.0.0.1:8443",
        "https://xn--bcher-kva.example",
    ],
)
def test_origin_is_valid(origin):
    validate_origin(origin)


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "**",
        "*.example.com",
        "https://",
        "ftp://app.example.com",
        "javascript:alert(1)",
        "https://app.example.com/path",
        "https://app.example.com?x",
        "https://app.example.com#x",
        "https://user@app.example.com",
        "https://app.example.com:port",
        "https://app.example.com:0",
        "https://app.example.com:99999",
        "https://[::1",
        "app.example.com:8000",
        "app.example.com\n",
        "https://app.example.com\n",
        ".example.com",
        "chrome-extension://abc",
        "https://bücher.example",
        "HTTPS://app.example.com",
        "https://app.example.com:443",
    ],
)
def test_origin_is_not_valid(origin):
    with pytest.raises(ValidationError, match="is not an origin"):
        validate_origin(origin)


@pytest.mark.parametrize(
    ("origin", "allowed", "is_match"),
    [
        ("https://a.example", ["https://a.example"], True),
        ("https://A.example", ["https://a.example"], True),
        ("http://a.example", ["https://a.example"], False),
        ("https://a.example:444", ["https://a.example"], False),
        ("https://a.example:444", ["https://a.example:444"], True),
        ("http://a.example", ["a.example"], True),
        ("https://a.example", ["b.example", "a.example"], True),
        ("https://sub.a.example", ["a.example"], False),
        ("https://a.example.evil", ["a.example"], False),
        ("https://anything", ["*"], True),
        ("chrome-extension://a.example", ["a.example"], False),
        ("file://a.example", ["a.example"], False),
        ("app://a.example", ["a.example", "https://a.example"], False),
        ("a.example", ["a.example"], True),
        ("chrome-extension://a.example", ["*"], True),
        ("null", ["*"], True),
        ("null", ["null.example"], False),
        ("", [], False),
        ("https://a.example", [], False),
        ("", ["a.example"], False),
        ("https://", ["a.example"], False),
    ],
)
def test_origin_matches_what_is_allowed(origin, allowed, is_match):
    assert origin_matches(origin, allowed) is is_match


def test_form_shows_one_origin_a_line():
    field = OriginsFormField(required=False)

    assert field.prepare_value(["https://a.example", "b.example"]) == "https://a.example\nb.example"
    assert field.clean("https://a.example\r\nb.example\r\n") == ["https://a.example", "b.example"]
    assert field.clean("") == []


def test_form_tells_a_change_from_another_spelling():
    field = OriginsFormField(required=False)

    assert not field.has_changed(["a.example", "b.example"], "A.example; b.example")
    assert field.has_changed(["a.example"], "b.example")


@pytest.mark.django_db
def test_channel_keeps_its_origins_alike():
    channel = make_channel(allowed_origins="https://App.example.com/; b.example")

    channel.refresh_from_db()

    assert channel.allowed_origins == ["https://app.example.com", "b.example"]


@pytest.mark.django_db
def test_channel_refuses_what_is_no_origin():
    channel = make_channel()
    channel.allowed_origins = ["https://a.example", "https://b.example/path"]

    with pytest.raises(ValidationError) as refused:
        channel.full_clean()

    assert set(refused.value.message_dict) == {"allowed_origins"}


@pytest.mark.django_db
@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"kind": "website"}, id="website-without-domain"),
        pytest.param({"domain": "www.example.com"}, id="headless-with-domain"),
        pytest.param({"enforce_consent": True}, id="enforcing-nothing"),
    ],
)
def test_channel_that_contradicts_itself_is_refused_by_the_database(fields):
    with pytest.raises(IntegrityError), transaction.atomic():
        make_channel(**fields)

    assert not Channel.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "same"),
    [
        ({"code_name": "app"}, {"code_name": "APP"}),
        (
            {"kind": "website", "domain": "www.example.com"},
            {"kind": "website", "domain": "WWW.example.com"},
        ),
    ],
)
def test_channels_differ_whatever_their_letter_case(fields, same):
    make_channel(**fields)

    with pytest.raises(IntegrityError), transaction.atomic():
        make_channel(**same)


@pytest.mark.django_db
def test_headless_channels_share_having_no_domain():
    make_channel()
    make_channel(tracking_consent=make_consent(), enforce_consent=True)

    assert Channel.objects.filter(domain="").count() == 2
