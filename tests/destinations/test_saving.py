"""Saving destinations: what is refused, what is made, and what saving leaves alone."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from destinations.models import Delivery, Destination, Queue
from destinations.saving import OVERLAP, rotate_secret, save_destination
from destinations.signing import check_secret, make_secret
from tests.destinations.formats import make_delivery, make_destination

pytestmark = pytest.mark.django_db


def again(destination):
    return Destination.objects.get(pk=destination.pk)


def test_a_webhook_gets_a_secret_and_a_queue():
    destination = make_destination()

    check_secret(again(destination).secret)
    assert Queue.objects.get().destination_id == destination.pk


def test_a_secret_that_is_given_is_kept():
    secret = make_secret()

    assert again(make_destination(secret=secret)).secret == secret


def test_saving_again_makes_no_other_secret_and_no_other_queue():
    destination = make_destination()
    secret = destination.secret

    save_destination(destination)

    assert again(destination).secret == secret
    assert again(destination).earlier_secret == ""
    assert Queue.objects.count() == 1


def test_other_kinds_have_no_secret_and_their_usual_address():
    destination = again(make_destination("segment"))

    assert destination.secret == ""
    assert destination.url == "https://api.segment.io/v1/batch"


def test_lists_rule_and_mapping_are_kept_in_their_normal_form():
    leaf = {"type": "country", "values": ["usa"], "negate": False}
    destination = again(
        make_destination(
            activities=[" purchase", "Purchase", "click"],
            groups=("VIP", "vip"),
            fields=["last_name", "first_name"],
            rule={"match": "all", "conditions": [leaf]},
            mapping=[{"from": "contact.last_name ", "to": " name"}],
        )
    )

    assert destination.activities == ["purchase", "click"]
    assert destination.groups == ["VIP"]
    assert destination.fields == ["first_name", "last_name"]
    assert destination.rule["conditions"] == [{"type": "country", "values": ["USA"]}]
    assert destination.mapping == [{"to": "name", "from": "contact.last_name"}]


@pytest.mark.parametrize(
    ("fields", "member", "why"),
    [
        ({"url": ""}, "url", "Enter the address"),
        ({"url": "ftp://a.example"}, "url", "has to begin with https://"),
        ({"url": "http://10.0.0.1/"}, "url", "10.0.0.1 is a private address"),
        ({"url": "http://0x7f.1/"}, "url", "unusual spelling"),
        ({"type": "fax"}, "type", "no such kind"),
        ({"activities": ["a", 7]}, "activities", "list of code names"),
        ({"activities": "purchase"}, "activities", "list of code names"),
        ({"groups": [" "]}, "groups", "1 to 250 characters"),
        ({"groups": ["a\0b"]}, "groups", "character in it that no text can have"),
        ({"activities": ["\ud800"]}, "activities", "character in it that no text can have"),
        ({"fields": ["\ud800"]}, "fields", "character in it that no text can have"),
        ({"mapping": [{"to": "\udfff", "value": 1}]}, "mapping", "that no text can have"),
        ({"mapping": [{"to": "a", "from": "data.\ud800"}]}, "mapping", "that no text can have"),
        ({"mapping": [{"to": "a", "value": "\ud800"}]}, "mapping", "that no text can have"),
        ({"mapping": [{"to": "a", "\ud800": "b"}]}, "mapping", "that no text can have"),
        ({"headers": {"a": "\ud800"}}, "headers", "unseen characters"),
        ({"headers": {"\ud800": "a"}}, "headers", "no name of a header"),
        ({"options": {"\ud800": "a"}}, "options", "character in it that no text can have"),
        ({"url": "https://crm.example.com/\ud800"}, "url", "no unseen characters"),
        ({"name": "\ud800"}, "name", "character that no text can have"),
        ({"fields": ["shoe_size"]}, "fields", "Contacts have no field “shoe_size”"),
        ({"fields": ["email"]}, "fields", "Say by “email”"),
        ({"fields": "city"}, "fields", "list of fields"),
        ({"rule": {"match": "some"}}, "rule", "match"),
        ({"mapping": {"a": "b"}}, "mapping", "list of fields"),
        ({"mapping": [{"to": "a", "from": "contact.x"}]}, "mapping", r"\[0\].from: Contacts have"),
        ({"secret": "whsec_abc"}, "secret", "24 to 64 bytes"),
        ({"headers": {"webhook-ID": "x"}}, "headers", "The hub sets webhook-ID itself"),
        ({"headers": {"Host": "x"}}, "headers", "Host is set by the hub"),
        ({"headers": {"a": "x", "A": "y"}}, "headers", "the same in another letter case"),
        ({"headers": {"a": 7}}, "headers", "names and texts"),
        ({"headers": {"a": "x\r\nb: y"}}, "headers", "line breaks"),
        ({"headers": {f"a{n}": "" for n in range(51)}}, "headers", "at most 50"),
        ({"options": {"folder": "x"}}, "options", "“folder” is not known here. Known: none."),
        ({"name": ""}, "name", "blank"),
        ({"code_name": "a b"}, "code_name", "letters, digits"),
    ],
)
def test_what_cannot_be_is_refused_where_it_stands(fields, member, why):
    with pytest.raises(ValidationError, match=why) as refused:
        make_destination(**{"code_name": "crm", **fields})

    assert [*refused.value.message_dict] == [member]
    assert not Destination.objects.exists()


@pytest.mark.parametrize(
    ("type", "fields", "member", "why"),
    [
        ("segment", {"secret": make_secret()}, "secret", "Only webhooks have this"),
        ("segment", {"headers": {"a": "b"}}, "headers", "Only webhooks have this"),
        ("ga4", {"mapping": [{"to": "a", "value": 1}]}, "mapping", "Only webhooks have this"),
        ("file", {"url": "https://a.example"}, "url", "Files have no address"),
        ("file", {"options": {}}, "options", "folder: Enter the folder"),
        ("ga4", {"options": {}}, "options", "measurement_id: Enter the measurement ID"),
        ("ga4", {"options": {"measurement_id": "UA-1"}}, "options", "is like G-ABC"),
        ("ga4", {"options": {"measurement_id": 7}}, "options", "has to be text"),
        ("ga4", {"options": {"measurement_id": "a\nb"}}, "options", "one line"),
        ("ga4", {"options": []}, "options", "has to be an object"),
        ("ga4", {"credentials": {}}, "credentials", "has no API secret yet"),
        ("mixpanel", {"credentials": {"key": "x"}}, "credentials", "Known: token, service_account"),
        (
            "mixpanel",
            {"credentials": {"token": "t", "service_account": "a"}},
            "options",
            "Mixpanel needs the project ID",
        ),
    ],
)
def test_each_kind_has_what_it_needs_and_nothing_else(type, fields, member, why):
    with pytest.raises(ValidationError, match=why) as refused:
        make_destination(type, **fields)

    assert [*refused.value.message_dict] == [member]


def test_files_may_lack_credentials():
    destination = Destination(name="A", code_name="a", type="segment")

    save_destination(destination, may_lack_credentials=True)

    assert again(destination).credentials == {}


def test_a_code_name_is_there_once_in_any_letter_case():
    make_destination(code_name="crm")

    with pytest.raises(ValidationError, match="Another destination has this code name"):
        make_destination(code_name="CRM")


def test_saving_leaves_alone_what_others_write():
    destination = make_destination(enabled=True)
    paused = timezone.now()
    Destination.objects.update(paused_at=paused, paused_by="gone")
    enabled_at = again(destination).enabled_at

    destination.name = "Other"
    save_destination(destination)

    saved = again(destination)
    assert (saved.name, saved.paused_at, saved.paused_by) == ("Other", paused, "gone")
    assert saved.enabled_at == enabled_at


def test_only_the_named_columns_are_written():
    destination = make_destination(dry=False)
    Destination.objects.update(dry=True, name="Of another user")

    destination.name = "Mine"
    save_destination(destination, ["name"])

    assert (again(destination).name, again(destination).dry) == ("Mine", True)
    assert destination.dry


def test_a_deleted_destination_is_not_made_again():
    destination = make_destination()
    Destination.objects.all().delete()

    with pytest.raises(ValidationError, match="Another user has deleted this destination"):
        save_destination(destination)
    with pytest.raises(ValidationError, match="Another user has deleted this destination"):
        rotate_secret(destination)


def test_a_kind_stays_once_there_are_deliveries_in_its_format():
    destination = make_destination()
    destination.type, destination.credentials = "segment", {"write_key": "x"}
    save_destination(destination)
    assert (again(destination).type, again(destination).secret) == ("segment", "")
    make_delivery(destination).save()

    destination.type, destination.options = "file", {"folder": "x"}
    with pytest.raises(ValidationError, match="in the format of its kind") as refused:
        save_destination(destination)

    assert [*refused.value.message_dict] == ["type"]
    assert Delivery.objects.count() == 1


def test_a_folder_stays_once_there_are_lines_in_it_and_a_test_is_none():
    destination = make_destination("file")
    make_delivery(destination, kind="test").save()
    destination.options = {"folder": "other"}
    save_destination(destination)
    assert again(destination).options == {"folder": "other"}
    make_delivery(destination).save()

    destination.options = {"folder": "crm"}
    with pytest.raises(ValidationError, match="folder: It has deliveries") as refused:
        save_destination(destination)
    destination.options = {"folder": "other", "format": "ndjson"}
    save_destination(destination)

    assert [*refused.value.message_dict] == ["options"]
    assert again(destination).options == {"folder": "other", "format": "ndjson"}


def test_a_rotated_secret_is_new_and_the_one_before_signs_for_a_day():
    destination = make_destination()
    before, now = destination.secret, timezone.now()

    secret = rotate_secret(destination)

    saved = again(destination)
    assert secret == saved.secret == destination.secret != before
    assert saved.earlier_secret == before
    assert now <= saved.earlier_secret_until - OVERLAP <= timezone.now()


def test_a_secret_that_others_know_ends_at_once():
    destination = make_destination()

    rotate_secret(destination, overlap=timedelta())

    assert (again(destination).earlier_secret, again(destination).earlier_secret_until) == (
        "",
        None,
    )


def test_another_secret_in_a_form_or_file_is_a_rotation():
    destination = make_destination()
    before, destination.secret = destination.secret, make_secret()

    save_destination(destination)

    assert again(destination).earlier_secret == before


def test_only_webhooks_have_a_secret_to_rotate():
    with pytest.raises(ValidationError, match="Only webhooks have a secret"):
        rotate_secret(make_destination("segment"))
