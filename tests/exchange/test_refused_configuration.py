"""Configuration files that are refused: each with place and reason, and nothing is loaded."""

import pytest
from django.core.management import CommandError

from channels.models import Channel
from consents.models import Consent
from exchange.problems import InvalidConfiguration
from tests.exchange.conftest import run
from tests.exchange.objects import CHANNEL, CONSENT, SITE, TYPE, WEBSITE
from tests.factories import make_channel

pytestmark = pytest.mark.django_db

BAD = [
    (
        "text",
        "object 1",
        "Each object needs `kind`, `code_name` and its members; this is no object.",
    ),
    ({}, "object 1: kind", "It says no kind. Kinds: "),
    ({"kind": "chanel", "code_name": "a"}, "object 1, “a”: kind", "There is no kind “chanel”."),
    ({"kind": ["channel"]}, "object 1: kind", "There is no kind “['channel']”."),
    ({"kind": "channel"}, "object 1: code_name", "Every object has one."),
    ({"kind": "channel", "code_name": 7}, "object 1: code_name", "to be text; put it in quotes."),
    (
        {**CHANNEL, "nam": "x"},
        "channel/app: nam",
        "such member. Did you mean “name”? Members: name, ",
    ),
    ({**CHANNEL, "guid": "x"}, "channel/app: guid", "A channel has no such member."),
    ({**CHANNEL, "created_at": "x"}, "channel/app: created_at", "A channel has no such member."),
    ({**CHANNEL, "name": 7}, "channel/app: name", "This has to be text; put it in quotes."),
    ({**CHANNEL, "name": None}, "channel/app: name", "This has to be text."),
    ({**CHANNEL, "name": ""}, "channel/app: name", "This field cannot be blank."),
    ({**CHANNEL, "name": "x" * 201}, "channel/app: name", "at most 200 characters"),
    ({**CHANNEL, "enforce_consent": "no"}, "channel/app: enforce_consent", "true or false."),
    ({**CHANNEL, "enforce_consent": 1}, "channel/app: enforce_consent", "true or false."),
    ({**CHANNEL, "type": "app"}, "channel/app: type", "This has to be one of: headless, website."),
    ({**CHANNEL, "type": ["app"]}, "channel/app: type", "one of: headless, website."),
    ({**CHANNEL, "agree_cookie_level": True}, "channel/app: agree_cookie_level", "one of: -1000, "),
    ({**CHANNEL, "agree_cookie_level": 0}, "channel/app", "choose the level Visitor or All."),
    ({**CHANNEL, "allowed_origins": "*"}, "channel/app: allowed_origins", "a list of texts."),
    ({**CHANNEL, "allowed_origins": ["a/b"]}, "channel/app: allowed_origins", "is not an origin."),
    ({**CHANNEL, "domain": "a.example"}, "channel/app", "a headless channel has none."),
    ({**CHANNEL, "type": "website"}, "channel/app", "A website channel needs a domain"),
    ({**WEBSITE, "domain": "a/b"}, "channel/site: domain", "This is not a domain"),
    ({**CHANNEL, "enforce_consent": True}, "channel/app", "Choose the tracking consent"),
    ({**CHANNEL, "event_key": "a b"}, "channel/app: event_key", "without spaces."),
    ({**CHANNEL, "code_name": "a b"}, "channel/a b: code_name", "Enter a valid “slug”"),
    (
        {**CHANNEL, "tracking_consent": "Nobody"},
        "channel/app: tracking_consent",
        "There is no consent “Nobody”, here or in these files.",
    ),
    ({**CHANNEL, "tracking_consent": 7}, "channel/app: tracking_consent", "code name of an object"),
    ([WEBSITE, {**SITE, "channel": None}], "tracked_site/shop: channel", "code name of an object."),
    ([WEBSITE, {**SITE, "channel": "x"}], "tracked_site/shop: channel", "There is no channel “x”"),
    ([CHANNEL, {**SITE, "channel": "app"}], "tracked_site/shop: channel", "is no website channel"),
    ({k: v for k, v in SITE.items() if k != "channel"}, "tracked_site/shop: channel", "be null"),
    (
        [WEBSITE, {**SITE, "url": "https://WWW.example.com:443"}],
        "tracked_site/shop: url",
        "This is the main site of the channel",
    ),
    ([WEBSITE, {**SITE, "url": "http://a.example"}], "tracked_site/shop: url", "need HTTPS"),
    ({**CONSENT, "texts": []}, "consent/Mail: texts", "This has to be an object."),
    ({**CONSENT, "texts": {"e": {}}}, "consent/Mail: texts.e", "Write a language code"),
    ({**CONSENT, "texts": {"en\n": {}}}, "consent/Mail: texts.en", "Write a language code"),
    ({**CONSENT, "texts": {"en": "x"}}, "consent/Mail: texts.en", "This has to be an object."),
    ({**CONSENT, "texts": {"en": {}}}, "consent/Mail: texts.en.short", "needs a short one."),
    ({**CONSENT, "texts": {"en": {"short": 1}}}, "consent/Mail: texts.en.short", "to be text; put"),
    (
        {**CONSENT, "texts": {"en": {"short": "<script>x</script>"}}},
        "consent/Mail: texts.en.short",
        "Nothing is left of this text",
    ),
    ({**CONSENT, "texts": {"en": {"long": ""}}}, "consent/Mail: texts.en", "“long” is not known"),
    (
        {**CONSENT, "texts": {"en": {"short": "x"}, "EN": None}},
        "consent/Mail: texts.EN",
        "This language is there twice.",
    ),
    (
        {**TYPE, "code_name": "file download"},
        "activity_type/file download: code_name",
        "Use letters",
    ),
    ({**TYPE, "door": "x"}, "activity_type/custom_a: door", "This has to be one of: "),
    (
        {**TYPE, "code_name": " a", "door": "activecampaign"},
        "activity_type/ a: code_name",
        "no space at its ends",
    ),
    ({**TYPE, "on_missing": "leave_out"}, "activity_type/custom_a: on_missing", "accept, reject."),
    (
        {"kind": "activity_type", "code_name": "click", "name": "x"},
        "activity_type/click: name",
        "keep",
    ),
    (
        {"kind": "activity_type", "code_name": "click", "whitelisted": True},
        "activity_type/click: whitelisted",
        "System types are never whitelisted.",
    ),
    ({**TYPE, "property_rules": {}}, "activity_type/custom_a: property_rules", "a list of rules."),
    ({**TYPE, "property_rules": [1]}, "activity_type/custom_a: property_rules[0]", "an object."),
    (
        {**TYPE, "property_rules": [{"kind": "string"}]},
        "activity_type/custom_a: property_rules[0].name",
        "A rule needs the name of a property.",
    ),
    (
        {**TYPE, "property_rules": [{"name": "a"}, {"name": "a"}]},
        "activity_type/custom_a: property_rules[1].name",
        "Another rule is for this property.",
    ),
    (
        {**TYPE, "property_rules": [{"name": "a", "kind": "text"}]},
        "activity_type/custom_a: property_rules[0].kind",
        "one of: string, number, boolean, object.",
    ),
    (
        {**TYPE, "property_rules": [{"name": "a", "format": "["}]},
        "activity_type/custom_a: property_rules[0]",
        "",
    ),
    (
        {**TYPE, "property_rules": [{"name": "a..b"}]},
        "activity_type/custom_a: property_rules[0]",
        "dots",
    ),
    ([CHANNEL, {**CHANNEL, "code_name": "APP"}], "channel/APP", "This object is there twice; the"),
]


@pytest.mark.parametrize(("bad", "where", "said"), BAD)
def test_bad_objects_are_refused_and_nothing_is_loaded(write, bad, where, said):
    good = {"kind": "consent", "code_name": "Good", "name": "Good"}
    file = write([good, *bad] if isinstance(bad, list) else [bad, good])

    with pytest.raises(CommandError) as refused:
        run("load_config", file)

    text = str(refused.value)
    assert text.startswith(f"{file}: {where}: ")
    assert said in text
    assert "\n" not in text
    assert not Consent.objects.filter(code_name="Good").exists()


def test_an_object_that_is_in_two_files_is_refused_with_both(write, tmp_path):
    write(CHANNEL, "a.json")
    write(CHANNEL, "b.json")

    with pytest.raises(CommandError) as refused:
        run("load_config", tmp_path)

    assert str(refused.value) == (
        f"{tmp_path}/b.json: channel/app: This object is there twice; the other one is in "
        f"{tmp_path}/a.json."
    )


def test_what_another_object_has_is_refused(loaded):
    make_channel(account_id="123", source_key="secret")

    with pytest.raises(InvalidConfiguration, match="app: account_id: Another channel has this acc"):
        loaded({**CHANNEL, "account_id": "123"})
    with pytest.raises(
        InvalidConfiguration, match="Another channel has this source key"
    ) as refused:
        loaded({**CHANNEL, "source_key": "secret"})
    assert "secret" not in str(refused.value).replace("source key", "")


def test_a_rule_of_the_database_that_only_it_knows_is_told(loaded, monkeypatch):
    make_channel(account_id="123")
    monkeypatch.setattr(Channel, "full_clean", lambda self: None)

    with pytest.raises(InvalidConfiguration, match="database: one channel per account id"):
        loaded({**CHANNEL, "account_id": "123"})


def test_a_read_only_hub_loads_nothing(loaded, settings):
    settings.READ_ONLY = True

    with pytest.raises(InvalidConfiguration, match=r"The hub is read-only\."):
        loaded(CHANNEL, dry_run=True)
