"""Destinations in configuration files."""

import pytest
from django.core.management import CommandError

from consents.models import Consent
from destinations.models import Delivery, Destination, Queue
from destinations.signing import check_secret, make_secret
from exchange.dumping import dump
from exchange.loading import load
from exchange.problems import InvalidConfiguration
from tests.destinations.formats import make_delivery, make_destination
from tests.exchange.conftest import run
from tests.factories import make_consent, make_group

pytestmark = pytest.mark.django_db

SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"
CRM = """
kind: destination
code_name: crm
name: CRM
type: webhook
url: "https://crm.example.com/hook"
activities: [purchase]
groups: [loan-interest]
consents: [NewsletterConsent]
changes: true
rule: null
consent: TrackingConsent
dry: false
enabled: true
mapping: null
secret: "{}"
"""


def destination(**members):
    return {"kind": "destination", "code_name": "crm", "name": "CRM", **members}


WEBHOOK = {"type": "webhook", "url": "https://crm.example.com/hook"}


def saved(code_name="crm"):
    return Destination.objects.get(code_name=code_name)


@pytest.fixture
def named():
    make_consent("TrackingConsent")
    make_consent("NewsletterConsent")
    make_group("loan-interest")


def test_a_webhook_with_all_that_it_names_is_loaded(write, named):
    assert load([write(CRM.format(SECRET), "a.yaml")]).created == ["destination/crm"]

    one = saved()
    assert (one.name, one.type, one.url) == ("CRM", "webhook", "https://crm.example.com/hook")
    assert (one.activities, one.groups, one.consents) == (
        ["purchase"],
        ["loan-interest"],
        ["NewsletterConsent"],
    )
    assert (one.changes, one.rule, one.dry, one.enabled) == (True, None, False, True)
    assert one.consent.code_name == "TrackingConsent"
    assert one.secret == SECRET
    assert one.enabled_at is not None
    assert Queue.objects.filter(destination=one).exists()


def test_loading_again_changes_nothing(write, named):
    file = write(CRM.format(SECRET), "a.yaml")
    load([file])

    assert load([file]).unchanged == ["destination/crm"]
    assert saved().earlier_secret == ""


def test_another_way_to_say_the_same_is_no_change(write):
    members = {"type": "ga4", "options": {"measurement_id": "G-ABC1234567"}, "url": ""}
    members |= {"fields": ["last_name", "first_name"], "activities": [" a", "A", "b"]}
    file = write([destination(**members, credentials={"api_secret": "x"})])

    assert load([file]).created == ["destination/crm"]
    assert load([file]).unchanged == ["destination/crm"]


def test_what_a_file_leaves_out_stays(write):
    load([write([destination(**WEBHOOK, headers={"A": "b"}, method="PUT", email="sha256")])])
    secret = saved().secret

    assert load([write([destination(name="Other")])]).changed == ["destination/crm"]

    one = saved()
    assert (one.name, one.headers, one.method, one.email) == ("Other", {"A": "b"}, "PUT", "sha256")
    assert one.secret == secret


def test_a_file_cannot_move_what_is_in_a_folder_already(write):
    folder = {"type": "file", "options": {"folder": "crm"}}
    load([write([destination(**folder)])])
    make_delivery(saved()).save()

    with pytest.raises(InvalidConfiguration, match="options: folder: It has deliveries, so that"):
        load([write([destination(**folder | {"options": {"folder": "other"}})])])

    assert saved().options == {"folder": "crm"}


def test_a_secret_is_read_if_given_else_kept_else_made(write):
    load([write([destination(**WEBHOOK)])])
    made = saved().secret
    check_secret(made)

    load([write([destination(dry=True)])])
    assert saved().secret == made

    given = make_secret()
    load([write([destination(secret=given)])])
    assert (saved().secret, saved().earlier_secret) == (given, made)


def test_secrets_are_not_dumped(tmp_path):
    one = make_destination(code_name="crm", headers={"X-Key": "of-the-header"})
    make_destination("segment", code_name="cdp", credentials={"write_key": "of-the-source"})

    run("dump_config", tmp_path)

    text = "".join(file.read_text() for file in (tmp_path / "destination").iterdir())
    assert "https://crm.example.com/hook" in text
    for secret in (one.secret, "whsec_", "of-the-header", "X-Key", "of-the-source", "write_key"):
        assert secret not in text
    for member in ("secret", "headers", "credentials"):
        assert f"{member}:" not in text


def everything():
    make_consent("Mail")
    make_group("vip")
    condition = {"type": "group", "groups": ["vip"]}
    common = {
        "activities": ["purchase", "no"],
        "groups": ["vip"],
        "consents": ["Mail"],
        "consent": Consent.objects.get(code_name="Mail"),
        "rule": {"match": "any", "conditions": [condition]},
        "fields": ["city"],
        "email": "none",
        "dry": True,
        "changes": True,
        "enabled": True,
    }
    mapping = [{"to": "a.b", "from": "data.properties", "flatten": True}, {"to": "c", "value": 1}]
    make_destination(code_name="hook", mapping=mapping, method="GET", **common)
    for type in ("segment", "ga4", "mixpanel", "file"):
        make_destination(type, code_name=type, **common)


def test_a_dump_loads_unchanged_and_makes_the_same_destinations_again(tmp_path):
    everything()
    dump(tmp_path / "one")

    assert (load([tmp_path / "one"]).created, load([tmp_path / "one"]).changed) == ([], [])
    secret = saved("hook").secret

    Destination.objects.all().delete()
    created = load([tmp_path / "one"]).created
    assert len([one for one in created if one.startswith("destination/")]) == 5
    dump(tmp_path / "two")
    for file in (tmp_path / "one" / "destination").iterdir():
        assert (tmp_path / "two" / "destination" / file.name).read_text() == file.read_text()
    # Secrets are of the hub that made them; credentials have to be entered again.
    assert saved("hook").secret not in ("", secret)
    assert saved("ga4").credentials == {}


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ({"groups": ["nobody"]}, r"groups\[0\]: There is no contact group “nobody”"),
        ({"consents": ["Nothing"]}, r"consents\[0\]: There is no consent “Nothing”"),
        ({"consent": "Nothing"}, "consent: There is no consent “Nothing”"),
        (
            {"rule": {"match": "all", "conditions": [{"type": "group", "groups": ["gone"]}]}},
            r"rule\.conditions\[0\]\S*: There is no contact group “gone”",
        ),
        ({"rule": {"match": "some", "conditions": []}}, r"rule\.match: "),
        ({"url": "http://192.168.1.7/hook"}, "url: 192.168.1.7 is a private address"),
        ({"url": "http://127.1/hook"}, "url: The host is a number in an unusual spelling"),
        ({"url": "http://[::ffff:10.0.0.1]/"}, "url: "),
        ({"url": "http://169.254.169.254/"}, "url: 169.254.169.254 is a link-local address"),
        ({"url": ""}, "url: Enter the address"),
        ({"type": "fax"}, "type: This has to be one of: webhook, segment, ga4, mixpanel, file"),
        ({"method": "HEAD"}, "method: This has to be one of"),
        ({"email": "md5"}, "email: This has to be one of"),
        ({"fields": ["shoe_size"]}, "fields: Contacts have no field “shoe_size”"),
        ({"fields": "city"}, "fields: This has to be a list of texts"),
        ({"activities": [7]}, "activities: This has to be a list of texts"),
        ({"mapping": []}, "mapping: A mapping has at least one field"),
        ({"mapping": [{"to": "a"}]}, r"mapping\[0\]: A field is filled by"),
        (
            {"mapping": [{"to": "a", "from": "contact.x"}]},
            r"mapping: \[0\]\.from: Contacts have no",
        ),
        ({"headers": {"A": 1}}, "headers.A: This has to be text; put it in quotes"),
        ({"headers": []}, "headers: This has to be an object"),
        ({"options": {"folder": 7}}, "options.folder: This has to be text"),
        ({"credentials": {"a": "b"}}, "credentials: “a” is not known here. Known: none"),
        ({"secret": "abc"}, "secret: A secret is whsec_"),
        ({"secret": None}, "secret: This has to be text"),
        ({"paused_at": None}, "paused_at: A destination has no such member"),
        ({"earlier_secret": "x"}, "earlier_secret: A destination has no such member"),
        ({"enabled": 1}, "enabled: This has to be true or false"),
    ],
)
def test_what_cannot_be_refuses_the_load_where_it_stands(write, members, why):
    with pytest.raises(InvalidConfiguration, match=why):
        load([write([destination(**WEBHOOK | members)])])

    assert not Destination.objects.exists()


def test_a_refusal_says_no_secret(write):
    with pytest.raises(CommandError) as refused:
        run("load_config", write([destination(**WEBHOOK, secret="whsec_c2hvcnQtYW5kLXNlY3JldA==")]))

    assert "c2hvcnQ" not in str(refused.value)
    assert "16 bytes" in str(refused.value)


def test_an_allowed_network_allows_its_addresses(write, settings):
    settings.DESTINATION_ALLOWED_NETWORKS = ["10.1.0.0/16"]

    load([write([destination(url="http://10.1.2.3/hook")])])

    assert saved().url == "http://10.1.2.3/hook"


def test_a_name_that_may_lead_anywhere_is_no_error(write):
    load([write([destination(url="https://intranet.example.com/hook")])])

    assert saved().type == "webhook"


def test_what_it_names_may_stand_in_the_same_files(write):
    group = {"kind": "contact_group", "code_name": "vip", "name": "VIP", "static": True}
    consent = {"kind": "consent", "code_name": "Mail", "name": "Mail"}
    one = destination(**WEBHOOK, groups=["VIP"], consents=["mail"], consent="Mail")

    assert len(load([write([one, group, consent])]).created) == 3
    assert saved().consent.code_name == "Mail"


def test_an_activity_type_may_be_one_that_an_event_has_yet_to_bring(write):
    load([write([destination(**WEBHOOK, activities=["never seen"])])])

    assert saved().activities == ["never seen"]


def test_credentials_are_read(write):
    members = {"type": "ga4", "options": {"measurement_id": "G-ABC1234567"}}
    load([write([destination(**members, credentials={"api_secret": "hush"})])])
    load([write([destination(**members)])])

    assert saved().credentials == {"api_secret": "hush"}


def test_a_destination_may_become_one_of_another_kind(write):
    load([write([destination(**WEBHOOK, headers={"A": "b"})])])
    load([write([destination(type="file", options={"folder": "crm"})])])

    one = saved()
    assert (one.type, one.url, one.headers, one.secret) == ("file", "", {}, "")
    make_delivery(one).save()
    with pytest.raises(InvalidConfiguration, match="type: It has deliveries in the format"):
        load([write([destination(**WEBHOOK)])])
    assert Delivery.objects.count() == 1


def test_many_destinations_cost_as_many_queries_to_dump_as_few(
    tmp_path, django_assert_max_num_queries
):
    make_destination(consent=make_consent("a"))
    with django_assert_max_num_queries(100) as few:
        dump(tmp_path)
    for number in range(5):
        make_destination(consent=make_consent(f"c{number}"))
    with django_assert_max_num_queries(len(few)):
        dump(tmp_path)


@pytest.mark.parametrize(
    ("type", "kept", "anew", "name"),
    [
        ("webhook", {"headers": {"X-Key": "s3cret"}}, {"headers": {"X-Key": "s3cret"}}, "X-Key"),
        ("segment", {"credentials": {"write_key": "s3cret"}}, {"credentials": {}}, "write_key"),
    ],
)
def test_a_file_gives_the_secrets_anew_with_the_address_of_another_server(
    write, type, kept, anew, name
):
    made = {"type": type, "url": "https://crm.example.com/hook"}
    load([write([destination(**made, **kept)])])
    moved = made | {"url": "https://other.example.com/hook"}

    with pytest.raises(InvalidConfiguration, match=f"Enter anew, or take out: {name}") as refused:
        load([write([destination(**moved)])])
    assert "s3cret" not in str(refused.value)
    assert saved().url == made["url"]
    load([write([destination(**made | {"url": "https://crm.example.com/other"})])])
    load([write([destination(**moved, **anew)])])

    assert saved().url == moved["url"]
