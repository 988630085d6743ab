"""The example beside the form: what would go out, as the form stands now."""

import json

import pytest

from tests.destinations.desk import EXAMPLE_URL, posted
from tests.factories import make_activity, make_activity_type, make_rule

pytestmark = pytest.mark.django_db


def ask(client, of="", **fields):
    response = client.post(f"{EXAMPLE_URL}?of={of}", posted(**fields))
    assert response.status_code == 200
    return response.json()


def body(client, of="", **fields):
    return json.loads(ask(client, of, **fields)["body"])


def test_the_example_is_of_the_first_type_with_the_properties_that_it_has(admin_client):
    made = make_activity_type("purchase", name="Purchase")
    make_rule(made, "amount", kind="number")
    make_rule(made, "items.sku", structure="list")
    make_activity(
        type=made, properties={"note": "Ermintrude paid", "paid": True, "items": [{"n": 3}]}
    )

    found = body(admin_client, activities=["purchase", "lead"])

    assert found["type"] == "activity"
    assert (found["data"]["type"], found["data"]["name"]) == ("purchase", "Purchase")
    # The values are made up: an activity of a contact tells nothing here.
    assert found["data"]["properties"] == {
        "note": "text",
        "paid": True,
        "items": [{"n": 19.9, "sku": ["text"]}],
        "amount": 19.9,
    }


def test_the_example_has_what_the_destination_may_have(admin_client):
    found = body(admin_client, email="none", which_fields="some", fields=["city"])

    assert [*found["contact"]] == ["guid", "city"]
    assert len(body(admin_client, email="sha256")["contact"]["email"]) == 64


def test_personal_properties_are_left_out_where_the_email_is(admin_client):
    made = make_activity_type("purchase")
    make_rule(made, "phone", is_personal=True)
    make_rule(made, "amount")

    assert "phone" in body(admin_client, activities=["purchase"])["data"]["properties"]
    hashed = body(admin_client, activities=["purchase"], email="sha256")
    assert hashed["data"]["properties"] == {"amount": "text"}


@pytest.mark.parametrize(
    ("fields", "of", "kind"),
    [
        ({}, "", "activity"),
        ({"groups": ["vip"]}, "", "group.entered"),
        ({"consents": ["Marketing"]}, "", "consent"),
        ({"changes": "on"}, "", "contact"),
        ({"activities": ["lead"], "groups": ["vip"]}, "", "activity"),
        ({"activities": ["lead"], "groups": ["vip"]}, "group.entered", "group.entered"),
        ({"groups": ["vip"]}, "moon", "group.entered"),
    ],
)
def test_the_example_is_of_what_goes_out(admin_client, fields, of, kind):
    found = ask(admin_client, of, **fields)

    assert (found["of"], json.loads(found["body"])["type"]) == (kind, kind)


def test_the_example_is_drawn_by_the_mapping(admin_client):
    mapping = [
        {"to": "who.mail", "from": "contact.email"},
        {"to": "price", "from": "data.properties.price"},
        {"to": "nothing", "from": "data.properties.gone"},
        {"to": "fixed", "value": 7},
    ]

    found = ask(admin_client, mapping=mapping)

    example = json.loads(found["body"])
    assert [*example] == ["who", "price", "fixed"]
    assert example["fixed"] == 7
    assert found["bytes"] == len(json.dumps(example).encode())
    paths = [path for path, _ in found["sources"]]
    assert {"contact.email", "contact.city", "data.properties.price"} <= set(paths)
    assert "contact.email" not in [path for path, _ in ask(admin_client, email="none")["sources"]]


@pytest.mark.parametrize("type_", ["segment", "ga4", "mixpanel", "file"])
def test_other_kinds_show_their_format(admin_client, type_):
    found = ask(admin_client, type=type_, mapping=[{"to": "a", "value": 1}])

    assert found.get("problem", "") == ""
    assert json.loads(found["body"]) != {"a": 1}


@pytest.mark.parametrize(
    "fields",
    [
        {"mapping": "x"},
        {"mapping": [{"to": "a"}]},
        {"activities": "x"},
        {"activities": ["a\0b"]},
        {"email": "moon"},
        {"which_fields": "some", "fields": "x"},
        {"which_fields": "some", "fields": ["moon"]},
        {"type": "moon"},
        {"type": ""},
    ],
)
def test_what_cannot_be_read_makes_another_example_and_no_failure(admin_client, fields):
    found = ask(admin_client, **fields)

    assert "body" in found or found["problem"]


def test_an_example_takes_few_queries(admin_client, django_assert_max_num_queries):
    make_activity_type("purchase")
    ask(admin_client, activities=["purchase"])

    # Of these, two are of the session and its user.
    with django_assert_max_num_queries(6):
        ask(admin_client, activities=["purchase"])


def test_examples_are_for_users_who_may_write(log_in, client):
    assert log_in("view_destination").post(EXAMPLE_URL, posted()).status_code == 403
    client.logout()
    assert client.post(EXAMPLE_URL, posted()).status_code == 302


@pytest.mark.parametrize("bad", ["\ud800", "a\0b"])
def test_what_no_text_can_have_is_as_if_it_were_not_there(admin_client, bad):
    expected = body(admin_client)

    for fields in (
        {"activities": [bad]},
        {"groups": [bad]},
        {"which_fields": "some", "fields": [bad]},
        {"headers": [{"name": bad, "value": bad}]},
        *({"mapping": [{"to": "a", "value": 1, **row}]} for row in ({"to": bad}, {"value": bad})),
        {"mapping": [{"to": "a", "from": f"data.{bad}"}]},
    ):
        assert body(admin_client, of="activity", **fields)["type"] == expected["type"], fields
