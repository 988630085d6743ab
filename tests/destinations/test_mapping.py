"""Mappings: what they may be, and the bodies that they make."""

import pytest

from destinations.mapping import (
    InvalidMapping,
    apply_mapping,
    check_sources,
    read_mapping,
    sources,
)
from destinations.models import Destination
from destinations.signing import id_of
from tests.destinations.formats import GUID, make_message


def body_of(*fields, **message):
    return apply_mapping(read_mapping(list(fields)), make_message(**message))


def test_fields_are_put_where_they_belong():
    body = body_of(
        {"to": "person.email", "from": "contact.email"},
        {"to": "person.id", "from": "contact.guid"},
        {"to": "event", "from": "data.type"},
        {"to": "price", "from": "data.properties.price"},
        {"to": "source", "value": "hub"},
        {"to": "kind", "from": "type"},
    )

    assert body == {
        "person": {"email": "ada@example.com", "id": GUID},
        "event": "purchase",
        "price": 49.9,
        "source": "hub",
        "kind": "activity",
    }


def test_id_and_time_of_the_message_can_be_in_the_body():
    message = make_message()
    fields = [{"to": "id", "from": "id"}, {"to": "at", "from": "timestamp"}]

    assert apply_mapping(fields, message) == {
        "id": id_of(message.message_id),
        "at": message.at.isoformat(),
    }


def test_what_a_message_does_not_have_is_left_out():
    assert body_of(
        {"to": "colour", "from": "data.properties.colour"},
        {"to": "deep", "from": "data.properties.price.deep"},
        {"to": "group", "from": "data.group"},
        {"to": "item", "from": "data.properties.items.7.id"},
        {"to": "site", "from": "data.tracked_site"},
    ) == {"site": None}


def test_items_of_lists_are_named_by_their_number():
    assert body_of({"to": "first", "from": "data.properties.items.0.size"}) == {"first": 42}


@pytest.mark.parametrize(
    "properties", [{"items.id": "x"}, {"items": {"id": "x"}}, {"items": "y", "items.id": "x"}]
)
def test_names_of_properties_may_have_dots(properties):
    body = body_of({"to": "id", "from": "data.properties.items.id"}, properties=properties)

    assert body == {"id": "x"}


def test_objects_can_be_flattened():
    flat = {"to": "properties", "from": "data.properties", "flatten": True}

    assert body_of(flat) == {
        "properties_price": 49.9,
        "properties_currency": "EUR",
        "properties_items_0_id": "A",
        "properties_items_0_size": 42,
    }
    assert body_of({**flat, "to": "a.b"}, properties={"c": 1}) == {"a": {"b_c": 1}}
    assert body_of({"to": "p", "from": "data.properties"}, properties={"c": {"d": 1}}) == {
        "p": {"c": {"d": 1}}
    }


def test_a_value_may_be_anything_of_one_line_of_json():
    values = ["", "é", 0, 1.5, True, None]
    fields = [{"to": f"v{number}", "value": value} for number, value in enumerate(values)]

    assert [*body_of(*fields).values()] == values


TO = {"to": "a"}


@pytest.mark.parametrize(
    ("mapping", "path", "why"),
    [
        ({"a": "b"}, "", "is a list of fields"),
        ([], "", "at least one field"),
        ([{"to": "a", "value": 1}] * 101, "", "at most 100 fields"),
        ([7], "[0]", "is an object"),
        ([{"to": "a", "from": "type", "form": 1}], "[0]", "“form” is not known here"),
        ([{"from": "type"}], "[0].to", "has to be text"),
        ([{"to": " ", "from": "type"}], "[0].to", "has to be text"),
        ([{"to": 1, "from": "type"}], "[0].to", "has to be text"),
        ([{"to": "a..b", "from": "type"}], "[0].to", "empty name between its dots"),
        ([{"to": ".a", "from": "type"}], "[0].to", "empty name between its dots"),
        ([{"to": "a" * 201, "from": "type"}], "[0].to", "at most 200 characters"),
        ([{"to": ".".join("a" * 11), "from": "type"}], "[0].to", "and 10 names"),
        ([TO], "[0]", "say one of them"),
        ([{**TO, "from": "type", "value": 1}], "[0]", "say one of them"),
        ([{**TO, "value": {"b": 1}}], "[0].value", "has to be text, a number"),
        ([{**TO, "value": float("nan")}], "[0].value", "a number that JSON can have"),
        ([{**TO, "value": "\0"}], "[0].value", "no text can have"),
        ([{**TO, "value": 1, "flatten": "yes"}], "[0].flatten", "true or false"),
        ([{**TO, "value": 1}, {**TO, "value": 2}], "[1].to", "Another field fills “a” already"),
        ([{**TO, "value": 1}, {"to": "a.b", "value": 2}], "[1].to", "is inside of “a”"),
        ([{"to": "a.b", "value": 1}, {**TO, "value": 2}], "[0].to", "is inside of “a”"),
    ],
)
def test_what_is_no_mapping_is_refused_at_its_place(mapping, path, why):
    with pytest.raises(InvalidMapping, match=why) as refused:
        read_mapping(mapping)

    assert refused.value.path == path


def check(source, **destination):
    check_sources([{"to": "a", "from": source}], Destination(**destination))


@pytest.mark.parametrize(
    "source",
    [
        "id",
        "type",
        "timestamp",
        "contact",
        "contact.guid",
        "contact.email",
        "contact.birthday",
        "data",
        "data.properties",
        "data.properties.price.net",
        "data.group",
        "data.after.city",
    ],
)
def test_what_messages_may_have_can_be_named(source):
    check(source)


@pytest.mark.parametrize(
    ("source", "destination", "why"),
    [
        ("contact.shoe_size", {}, "Contacts have no “shoe_size”"),
        ("contact.email.x", {}, "Contacts have no “email.x”"),
        ("contact.email", {"email": "none"}, "“email” does not go out to this destination"),
        ("contact.city", {"fields": ["zip"]}, "“city” does not go out to this destination"),
        ("data.price", {}, "No message has “price”"),
        ("kind", {}, "A message has no “kind”"),
        ("contacts.email", {}, "A message has no “contacts.email”"),
    ],
)
def test_what_no_message_has_is_refused_and_the_choices_are_named(source, destination, why):
    with pytest.raises(InvalidMapping, match=why) as refused:
        check(source, **destination)

    assert refused.value.path == "[0].from"


def test_only_what_may_go_out_is_offered():
    offered = {one.path for one in sources(Destination(fields=["city"], email="none"))}

    assert {"contact.city", "contact.guid", "data.properties"} <= offered
    assert not offered & {"contact.email", "contact.zip"}
