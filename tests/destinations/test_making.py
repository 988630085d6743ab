"""What of a contact goes out, and what becomes of messages that cannot."""

import hashlib

import pytest
from django.db import transaction

from contacts.editing import update_contact
from contacts.models import Contact
from destinations import adding
from destinations.facts import Fact
from destinations.making import add_deliveries
from destinations.models import Delivery
from tests.destinations.made import (
    PlainKind,
    deliveries,
    follow,
    make_destination,
    payloads,
    plain_kinds,
    reader_that_has_begun,
    rung,
)
from tests.factories import make_activity, make_activity_type, make_contact, make_rule

__all__ = ["plain_kinds", "reader_that_has_begun", "rung"]

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("reader_that_has_begun"),
]

EMAIL = "Una@Bücher.example"


def fact_about(contact, source="activity:1", **data):
    return Fact(source, "activity", contact.pk, contact.created_at, data)


def add(destination, *facts):
    with transaction.atomic():
        return add_deliveries([(destination, facts)])


def key_of(contact):
    return Contact.objects.values_list("email_key", flat=True).get(pk=contact.pk)


def test_without_a_choice_all_fields_go_out():
    crm = make_destination()
    contact = make_contact(email="ada@example.com", birthday="1815-12-10", country="GBR")

    add(crm, fact_about(contact))

    assert payloads(crm)[0]["contact"] == {
        "guid": str(contact.guid),
        "email": "ada@example.com",
        "birthday": "1815-12-10",
        "country": "GBR",
        **dict.fromkeys(["first_name", "middle_name", "last_name", "mobile_phone"], ""),
        **dict.fromkeys(["business_phone", "company_name", "job_title", "address1"], ""),
        **dict.fromkeys(["city", "zip", "state", "notes"], ""),
    }


def test_only_chosen_fields_go_out():
    crm, nothing = make_destination(fields=["city", "zip"]), make_destination(fields=[])
    contact = make_contact(email="ada@example.com", city="London", last_name="Byron")

    for destination in (crm, nothing):
        add(destination, fact_about(contact))

    guid = {"guid": str(contact.guid), "email": "ada@example.com"}
    assert payloads(crm)[0]["contact"] == {**guid, "city": "London", "zip": ""}
    assert payloads(nothing)[0]["contact"] == guid


def test_a_hashed_email_is_the_hash_of_its_key():
    crm = make_destination(email="sha256", fields=[])
    contact, anonymous = make_contact(email=EMAIL), make_contact()

    add(crm, fact_about(contact), fact_about(anonymous, "activity:2"))

    hashed = hashlib.sha256(key_of(contact).encode()).hexdigest()
    assert [one["contact"]["email"] for one in payloads(crm)] == [hashed, ""]
    assert EMAIL not in str(payloads(crm))


def test_no_email_goes_out_where_none_is_wanted():
    crm = make_destination(email="none", fields=["email", "city"])

    add(crm, fact_about(make_contact(email=EMAIL)))

    assert set(payloads(crm)[0]["contact"]) == {"guid", "city"}


@pytest.mark.parametrize("email", ["plain", "sha256", "none"])
def test_emails_in_changes_go_out_like_those_of_contacts(email):
    contact = make_contact(email="before@example.com")
    crm = make_destination(changes=True, email=email, fields=["city"])

    update_contact(contact.pk, {"email": EMAIL, "city": "Graz", "zip": "8010"})
    follow()

    (payload,) = payloads(crm)
    hashed = hashlib.sha256(key_of(contact).encode()).hexdigest()
    expected = {"plain": {"email": EMAIL}, "sha256": {"email": hashed}, "none": {}}[email]
    assert payload["data"]["after"] == {"city": "Graz", **expected}
    assert set(payload["data"]["before"]) == set(payload["data"]["after"])
    assert payload["contact"].get("email") == expected.get("email")
    if email != "plain":
        assert "before@example.com" not in str(payload)


def test_a_change_of_nothing_that_may_go_out_is_not_told():
    contact = make_contact()
    crm = make_destination(changes=True, fields=["city"], email="none")

    update_contact(contact.pk, {"zip": "8010", "email": "ada@example.com"})
    follow()

    assert not deliveries(crm)


def test_personal_properties_go_out_only_where_emails_go_out_as_they_are():
    kind = make_activity_type("order", name="Order")
    make_rule(kind, "buyer.Name", is_personal=True)
    plain, hashed = [
        make_destination(activities=["order"], email=email) for email in ("plain", "sha256")
    ]
    make_activity(
        type=kind,
        title="Order of Ada Byron",
        value="19.90",
        url="https://shop.example/thanks?for=Ada%20byron",
        referrer="https://shop.example/cart",
        properties={"Buyer": [{"name": "Ada Byron", "vip": True}], "price": 19.9},
    )

    follow()

    assert payloads(plain)[0]["data"]["properties"]["Buyer"][0]["name"] == "Ada Byron"
    assert payloads(plain)[0]["data"]["title"] == "Order of Ada Byron"
    data = payloads(hashed)[0]["data"]
    assert data["properties"] == {"Buyer": [{"vip": True}], "price": 19.9}
    assert (data["title"], data["value"]) == ("Order", "19.90")
    assert (data["url"], data["referrer"]) == ("", "https://shop.example/cart")
    assert "byron" not in str(data).lower()


def test_google_gets_no_personal_properties_however_the_email_goes_out():
    ga4 = make_destination(
        type="ga4", activities=["order"], options={"measurement_id": "G-ABC1234567"}
    )
    kind = make_activity_type("order", name="Order")
    make_rule(kind, "phone", is_personal=True)
    make_activity(
        type=kind,
        title="Call +441632960001",
        url="https://shop.example/thanks?call=%2B441632960001",
        properties={"phone": "+441632960001", "price": 19.9},
    )

    follow()

    (payload,) = payloads(ga4)
    assert payload["event"]["params"]["price"] == 19.9
    assert "1632960001" not in str(payload)


def test_nothing_is_told_twice():
    crm, contact = make_destination(), make_contact()

    for _ in range(2):
        add(crm, fact_about(contact), fact_about(contact, "activity:2"))

    assert len(deliveries(crm)) == 2


def test_what_a_payload_says_of_the_contact_is_kept_in_names(monkeypatch):
    """The format of a kind may leave out most of what it could have."""
    written = {"to": {"mail": "ada@example.com"}, "place": ["London"]}
    monkeypatch.setattr(PlainKind, "payload", lambda *_: written)
    crm = make_destination()
    contact = make_contact(email="ada@example.com", city="London", last_name="Byron")

    add(crm, fact_about(contact))

    assert deliveries(crm)[0].contact_fields == ["email", "city"]


def test_a_hashed_email_is_named_as_such():
    crm = make_destination(email="sha256", fields=[])

    add(crm, fact_about(make_contact(email=EMAIL)))

    assert deliveries(crm)[0].contact_fields == ["guid", "email_sha256"]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("It has no name."), "destination: It has no name."),
        (KeyError("secret"), "destination: this is a mistake of the hub, and its log says more."),
    ],
)
def test_a_message_that_cannot_be_written_holds_up_no_other(monkeypatch, error, said):
    payload = PlainKind.payload

    def of_kind(self, destination, message):
        if message.data.get("bad"):
            raise error
        return payload(self, destination, message)

    monkeypatch.setattr(PlainKind, "payload", of_kind)
    crm, contact = make_destination(), make_contact()

    bad = fact_about(contact, bad=True)
    not_sent = add(crm, bad, fact_about(contact, "activity:2"))

    failed, waiting = deliveries(crm)
    assert (failed.status, failed.payload, failed.attempts) == ("failed", None, 0)
    assert failed.reason.endswith(said)
    assert waiting.status == "waiting"
    assert not_sent == {(crm.pk, "activity:1"): failed.reason}


def test_in_dry_mode_what_would_go_out_is_kept_and_skipped(monkeypatch, rung):
    crm = make_destination(dry=True)

    add(crm, fact_about(make_contact(), price=3))
    monkeypatch.setattr(PlainKind, "why_not", lambda *_: "It is too long.")
    add(crm, fact_about(make_contact(), "activity:2"))

    first, second = deliveries(crm)
    assert (first.status, first.reason) == ("skipped", "Dry mode: nothing was sent.")
    assert first.payload["data"] == {"price": 3}
    assert second.reason == "Dry mode: nothing was sent. It would fail: It is too long."
    assert not rung


def test_very_many_long_messages_are_added_in_parts(monkeypatch):
    monkeypatch.setattr(adding, "_MOST_CHARACTERS", 1_000)
    crm, contact = make_destination(), make_contact()

    add(crm, *[fact_about(contact, f"activity:{n}", text="ß" * 300) for n in range(10)])

    assert [one.source for one in deliveries(crm)] == [f"activity:{n}" for n in range(10)]
    assert {one.payload["data"]["text"] for one in deliveries(crm)} == {"ß" * 300}


def test_each_message_has_an_id_of_its_own():
    crm, contact = make_destination(), make_contact()

    add(crm, fact_about(contact), fact_about(contact, "activity:2"))

    ids = Delivery.objects.values_list("message_id", flat=True)
    assert len(set(ids)) == 2
