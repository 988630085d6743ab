"""What becomes of the hub when configuration files are loaded."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from activities.models import ActivityType, PropertyRule
from channels.models import Channel
from consents.models import Consent
from crosssite.models import TrackedSite
from exchange.problems import InvalidConfiguration
from tests.exchange.conftest import run
from tests.exchange.objects import CHANNEL, CONSENT, SITE, TYPE, WEBSITE
from tests.factories import make_activity_type, make_channel, make_consent, make_rule
from tests.threads import run_at_once

pytestmark = pytest.mark.django_db

# Each kind, in an order in which nothing is there yet when it is named.
EXAMPLES = """
- {kind: tracked_site, code_name: shop, name: Shop, url: "https://shop.example.com", channel: main-site, enabled: true}
- {kind: channel, code_name: mobile-app, name: App, type: headless, tracking_consent: TrackingConsent, enforce_consent: false, allowed_origins: ["https://app.example.com"]}
- {kind: channel, code_name: main-site, name: Site, type: website, domain: www.example.com}
- {kind: consent, code_name: TrackingConsent, name: Tracking, default_language: en, texts: {en: {short: "<p>May we?</p>", full: "<p>May we track you?</p>"}}}
- {kind: activity_type, code_name: custom_loan_calculator, name: Loan calculator usage, enabled: true}
"""  # noqa: E501 -- as the documentation has them
LABELS = [
    "activity_type/custom_loan_calculator",
    "channel/main-site",
    "channel/mobile-app",
    "consent/TrackingConsent",
    "tracked_site/shop",
]


def test_objects_are_created_whatever_their_order(loaded):
    assert loaded(EXAMPLES).created == LABELS

    app = Channel.objects.get(code_name="mobile-app")
    assert (app.name, app.kind, app.allowed_origins) == (
        "App",
        "headless",
        ["https://app.example.com"],
    )
    assert app.tracking_consent == Consent.objects.get()
    assert app.tracking_consent.texts.get().full_text == "<p>May we track you?</p>"
    site = TrackedSite.objects.get()
    assert (site.name, site.url, site.channel.domain) == (
        *("Shop", "https://shop.example.com"),
        "www.example.com",
    )
    assert ActivityType.objects.get(code_name="custom_loan_calculator").enabled


def test_loading_twice_changes_nothing_and_writes_nothing(loaded):
    loaded(EXAMPLES)
    version = ActivityType.objects.get(code_name="custom_loan_calculator").version

    with CaptureQueriesContext(connection) as queries:
        again = loaded(EXAMPLES)

    assert (again.created, again.changed, again.unchanged) == ([], [], LABELS)
    assert not [q["sql"] for q in queries if q["sql"].startswith(("UPDATE", "INSERT", "DELETE"))]
    assert ActivityType.objects.get(code_name="custom_loan_calculator").version == version


def test_what_is_left_out_stays_on_what_is_there(loaded):
    consent = make_consent()
    make_channel(code_name="app", tracking_consent=consent, enforce_consent=True, event_key="old")

    assert loaded({"kind": "channel", "code_name": "app", "name": "New"}).changed == ["channel/app"]

    channel = Channel.objects.get()
    assert (channel.name, channel.tracking_consent, channel.enforce_consent, channel.event_key) == (
        *("New", consent, True),
        "old",
    )


def test_what_is_left_out_of_a_new_object_has_its_default(loaded):
    loaded([CHANNEL, CONSENT])

    channel = Channel.objects.get()
    assert (channel.kind, channel.agree_cookie_level, channel.honours_opt_out_signals) == (
        *("headless", 1000),
        True,
    )
    assert Consent.objects.get().default_language == "en"


def test_secrets_are_read_if_given_else_made_else_kept(loaded):
    loaded([CHANNEL, {**CHANNEL, "code_name": "other", "event_key": "mine", "source_key": "ours"}])
    made = Channel.objects.get(code_name="app")
    other = Channel.objects.get(code_name="other")

    assert (len(made.event_key), len(made.source_key)) == (40, 36)
    assert (other.event_key, other.source_key) == ("mine", "ours")

    assert loaded({**CHANNEL, "name": "New"}).changed == ["channel/app"]
    assert Channel.objects.get(code_name="app").event_key == made.event_key


def test_names_are_found_in_any_letter_case_and_keep_their_own(loaded):
    make_consent("TrackingConsent")
    make_channel(code_name="app")

    found = loaded(
        [
            {"kind": "channel", "code_name": "APP", "tracking_consent": "trackingconsent"},
            {"kind": "activity_type", "code_name": "PageVisit", "description": "Seen"},
        ]
    )

    assert found.changed == ["activity_type/PageVisit", "channel/APP"]
    assert Channel.objects.get().code_name == "app"
    assert Channel.objects.get().tracking_consent.code_name == "TrackingConsent"
    assert ActivityType.objects.get(code_name="pagevisit").description == "Seen"


def test_another_spelling_of_the_same_is_no_change(loaded):
    loaded([WEBSITE, SITE])

    again = loaded(
        [
            {**WEBSITE, "domain": "WWW.Example.com", "name": " Site "},
            {**SITE, "url": "https://SHOP.example.com"},
        ]
    )

    assert (again.changed, again.unchanged) == ([], ["channel/site", "tracked_site/shop"])


def test_a_changed_text_is_a_new_version_and_others_stay(loaded):
    make_consent("Mail", texts={"en": "<p>Old</p>", "de": "<p>Alt</p>"})

    changed = loaded({**CONSENT, "texts": {"EN": {"short": "<p>New</p><script>x</script>"}}})

    assert changed.changed == ["consent/Mail"]
    current = Consent.objects.get().texts.filter(superseded_at=None).order_by("language")
    assert [(text.language, text.short_text, text.version) for text in current] == [
        ("de", "<p>Alt</p>", 1),
        ("en", "<p>New</p>", 2),
    ]


def test_a_text_that_is_the_same_once_it_is_cleaned_is_no_new_version(loaded):
    texts = {"pt_BR": {"short": "<p onclick='x()'>Oi</p>\n", "full": "<p>Tudo</p>"}}
    loaded({**CONSENT, "texts": texts})

    assert loaded({**CONSENT, "texts": texts}).unchanged == ["consent/Mail"]
    assert loaded({**CONSENT, "texts": {"pt-br": {}}}).unchanged == ["consent/Mail"]
    text = Consent.objects.get().texts.get()
    assert (text.language, text.short_text, text.full_text) == ("pt-BR", "<p>Oi</p>", "<p>Tudo</p>")


def test_half_of_a_text_leaves_the_other_half(loaded):
    loaded({**CONSENT, "texts": {"en": {"short": "Short", "full": "Full"}}})

    assert loaded({**CONSENT, "texts": {"en": {"full": "More"}}}).changed == ["consent/Mail"]
    text = Consent.objects.get().texts.get(superseded_at=None)
    assert (text.short_text, text.full_text, text.version) == ("Short", "More", 2)


def test_a_text_that_is_null_is_withdrawn(loaded):
    make_consent("Mail", texts={"en": "<p>Hi</p>", "de": "<p>Hallo</p>"})
    without = {**CONSENT, "name": "Tracking consent", "texts": {"de": None, "fr": None}}

    assert loaded(without).changed == ["consent/Mail"]
    assert loaded(without).unchanged == ["consent/Mail"]
    assert Consent.objects.get().texts.get(superseded_at=None).language == "en"


def test_property_rules_take_the_place_of_those_before(loaded):
    activity_type = make_activity_type("custom_a", name="A")
    kept, _ = make_rule(activity_type, "amount"), make_rule(activity_type, "gone")
    rules = [{"name": "amount"}, {"name": "items.id", "kind": "number", "required": True}]

    assert loaded({**TYPE, "property_rules": rules}).changed == ["activity_type/custom_a"]
    assert loaded({**TYPE, "property_rules": rules[::-1]}).unchanged == ["activity_type/custom_a"]

    assert [
        (rule.name, rule.kind, rule.required) for rule in PropertyRule.objects.order_by("name")
    ] == [
        ("amount", "string", False),
        ("items.id", "number", True),
    ]
    assert PropertyRule.objects.get(name="amount") == kept
    assert loaded(TYPE).unchanged == ["activity_type/custom_a"]
    assert loaded({**TYPE, "property_rules": []}).changed == ["activity_type/custom_a"]
    assert PropertyRule.objects.count() == 0


def test_a_changed_rule_counts_as_a_change_of_the_type(loaded):
    make_rule(make_activity_type("custom_a", name="A"), "amount")
    version = ActivityType.objects.get(code_name="custom_a").version

    loaded({**TYPE, "property_rules": [{"name": "amount", "kind": "number"}]})

    assert ActivityType.objects.get(code_name="custom_a").version > version


def test_a_type_of_a_door_has_the_name_that_events_have(loaded):
    download = {**TYPE, "code_name": "file download request", "door": "activecampaign"}

    assert loaded(download).created == ["activity_type/file download request"]
    assert loaded({**download, "door": "commandersact"}).unchanged == [
        "activity_type/file download request"
    ]
    assert ActivityType.objects.get(code_name="file download request").door == "activecampaign"


def test_a_channel_that_is_no_website_any_more_loses_its_domain(loaded):
    loaded(WEBSITE)

    loaded({"kind": "channel", "code_name": "site", "type": "headless"})

    assert Channel.objects.get().domain == ""


def test_a_channel_cannot_be_no_website_and_keep_its_domain(loaded):
    loaded(WEBSITE)

    with pytest.raises(InvalidConfiguration, match="a headless channel has none"):
        loaded({**WEBSITE, "type": "headless"})


def test_a_dry_run_says_the_same_and_changes_nothing(loaded):
    make_consent("TrackingConsent", name="Old")

    planned = loaded(EXAMPLES, dry_run=True)

    assert planned.changed == ["consent/TrackingConsent"]
    assert planned.created == [label for label in LABELS if not label.startswith("consent")]
    assert Channel.objects.count() == TrackedSite.objects.count() == 0
    assert Consent.objects.get().name == "Old"
    assert loaded(EXAMPLES) == planned


def test_the_command_prints_one_object(write):
    file, other = write(EXAMPLES, "a.yaml"), write(CHANNEL, "b.json")

    assert json.loads(run("load_config", file, other, "--dry-run"))["created"] == sorted(
        [*LABELS, "channel/app"]
    )
    assert json.loads(run("load_config", file)) == {
        "created": LABELS,
        "changed": [],
        "unchanged": [],
    }


def test_many_objects_cost_few_queries_each(loaded):
    types = [{**TYPE, "code_name": f"custom_{number}"} for number in range(30)]
    loaded(types)

    with CaptureQueriesContext(connection) as few:
        loaded(types[:1])
    with CaptureQueriesContext(connection) as many:
        loaded(types)

    assert len(many) == len(few)


@pytest.mark.django_db(transaction=True)
def test_two_loads_at_once_are_one_after_the_other(write):
    file = write([CHANNEL, CONSENT, {**TYPE, "property_rules": [{"name": "a"}]}])

    results = [json.loads(text) for text in run_at_once(*[lambda: run("load_config", file)] * 4)]

    assert sorted(len(result["created"]) for result in results) == [0, 0, 0, 3]
    assert sorted(len(result["unchanged"]) for result in results) == [0, 3, 3, 3]
