"""The contact fields of a data input, as an application sends them."""

from datetime import date, timedelta

import pytest
from django.utils import timezone

from activities.models import Activity, DataInput
from contacts.models import Contact
from tests.wire.app import App
from tests.work import do_data_inputs

pytestmark = pytest.mark.django_db

# Name on the wire, what is sent, attribute of the contact, what it becomes.
FIELDS = [
    ("ContactEmail", "lsmith@domain.com", "email", "lsmith@domain.com"),
    ("ContactFirstName", "Luke", "first_name", "Luke"),
    ("ContactMiddleName", "van", "middle_name", "van"),
    ("ContactLastName", "Smith", "last_name", "Smith"),
    ("ContactBirthday", "1984-02-29", "birthday", date(1984, 2, 29)),
    ("ContactMobilePhone", "+47 555 01 234", "mobile_phone", "+47 555 01 234"),
    ("ContactBusinessPhone", "(0) 555-0199", "business_phone", "(0) 555-0199"),
    ("ContactCompanyName", "Smith & Søn", "company_name", "Smith & Søn"),
    ("ContactJobTitle", "Chief 🚀 officer", "job_title", "Chief 🚀 officer"),
    ("ContactAddress1", "1 Main Street", "address1", "1 Main Street"),
    ("ContactCity", "Springfield", "city", "Springfield"),
    ("ContactZIP", "12345-6789", "zip", "12345-6789"),
    ("ContactCountry", "usa", "country", "USA"),
    ("ContactState", "ca", "state", "CA"),
    ("ContactNotes", "Likes\nboats. " * 100, "notes", ("Likes\nboats. " * 100).strip()),
]


@pytest.mark.parametrize(("wire_name", "sent", "attribute", "kept"), FIELDS)
def test_contact_field_reaches_the_contact(wire_name, sent, attribute, kept):
    app = App()

    result, contact = app.log_data_input({wire_name: sent})

    assert result == {"status": 202}
    assert getattr(contact, attribute) == kept


def test_all_contact_fields_may_come_at_once():
    app = App()

    result, contact = app.log_data_input({wire_name: sent for wire_name, sent, _, _ in FIELDS})

    assert result == {"status": 202}
    assert {attribute: getattr(contact, attribute) for _, _, attribute, _ in FIELDS} == {
        attribute: kept for _, _, attribute, kept in FIELDS
    }


@pytest.mark.parametrize("wire_name", ["contactcity", "CONTACTCITY", "contactCity"])
def test_contact_field_matches_in_any_letter_case(wire_name):
    app = App()

    _, contact = app.log_data_input({wire_name: "Oslo"})

    assert contact.city == "Oslo"


def test_unknown_contact_fields_are_ignored():
    app = App()

    result, contact = app.log_data_input(
        {"ContactShoeSize": 43, "guid": None, "ContactCity": "Oslo"}
    )

    assert result == {"status": 202}
    assert contact.city == "Oslo"


@pytest.mark.parametrize("wire_name", [wire_name for wire_name, _, _, _ in FIELDS])
def test_empty_contact_field_changes_nothing(wire_name):
    app = App()
    guid = app.create_contact()
    app.log_data_input({name: sent for name, sent, _, _ in FIELDS}, contact=guid)

    result, contact = app.log_data_input({wire_name: ""}, contact=guid)

    assert result == {"status": 202}
    assert {attribute: getattr(contact, attribute) for _, _, attribute, _ in FIELDS} == {
        attribute: kept for _, _, attribute, kept in FIELDS
    }


@pytest.mark.parametrize("wire_name", [wire_name for wire_name, _, _, _ in FIELDS])
@pytest.mark.parametrize("value", [None, 5, ["x"]])
def test_contact_field_must_be_a_string(wire_name, value):
    app = App()

    result, _ = app.log_data_input({wire_name: value})

    assert result["status"] == 400
    assert (result["error"]["code"], result["error"]["field"]) == ("wrong_type", wire_name)
    assert not Activity.objects.exists()


@pytest.mark.parametrize(
    ("wire_name", "max_length"),
    [
        ("ContactFirstName", 100),
        ("ContactMiddleName", 100),
        ("ContactLastName", 100),
        ("ContactMobilePhone", 26),
        ("ContactBusinessPhone", 26),
        ("ContactCompanyName", 100),
        ("ContactJobTitle", 50),
        ("ContactAddress1", 100),
        ("ContactCity", 100),
        ("ContactZIP", 100),
    ],
)
def test_contact_field_may_not_be_longer_than_documented(wire_name, max_length):
    app = App()

    longest, _ = app.log_data_input({wire_name: "ü" * max_length})
    too_long, _ = app.log_data_input({wire_name: "ü" * (max_length + 1)})

    assert longest == {"status": 202}
    assert too_long == {
        "status": 400,
        "error": {
            "code": "too_long",
            "field": wire_name,
            "detail": f"{wire_name} may have at most {max_length} characters.",
        },
    }


def test_email_may_have_254_characters():
    app = App()
    local, domain = "a" * 64, ".".join(["d" * 60] * 3)
    longest = f"{local}@{domain}.{'c' * (254 - len(local) - len(domain) - 2)}"
    assert len(longest) == 254

    accepted, contact = app.log_data_input({"ContactEmail": longest})
    too_long, _ = app.log_data_input({"ContactEmail": f"a{longest}"})

    assert accepted == {"status": 202}
    assert contact.email == longest
    assert (too_long["status"], too_long["error"]["code"]) == (400, "too_long")


@pytest.mark.parametrize(
    "email",
    [
        "ann",
        "ann@",
        "@example.com",
        "ann@example",
        "a b@example.com",
        "ann@example..com",
        "ann@example.com, bob@example.com",
        "Ann <ann@example.com>",
        "ann@exa\nmple.com",
    ],
)
def test_email_must_have_the_form_of_one(email):
    app = App()

    result, contact = app.log_data_input({"ContactEmail": email, "ContactCity": "Oslo"})

    assert result == {
        "status": 400,
        "error": {
            "code": "bad_email",
            "field": "ContactEmail",
            "detail": "ContactEmail is not an email address.",
        },
    }
    assert (contact.email, contact.city) == ("", "")


@pytest.mark.parametrize(
    "birthday",
    [
        "2023-02-29",
        "1984-2-9",
        "29.02.1984",
        "1984-02-29T00:00:00Z",
        "19840229",
        "0000-01-01",
        "1984-13-01",
        "1984-W01-1",
        "\u0661\u0669\u0668\u0664-02-29",
        "yesterday",
    ],
)
def test_birthday_must_be_a_real_date(birthday):
    app = App()

    result, contact = app.log_data_input({"ContactBirthday": birthday})

    assert (result["status"], result["error"]["code"]) == (400, "bad_date")
    assert result["error"]["field"] == "ContactBirthday"
    assert contact.birthday is None


@pytest.mark.parametrize(
    "birthday",
    ["1879-12-31", "0001-01-01", "9999-12-31", str(timezone.localdate() + timedelta(days=2))],
)
def test_birthday_is_not_in_the_future_or_before_1880(birthday):
    app = App()

    result, contact = app.log_data_input({"ContactBirthday": birthday})

    assert result["error"] == {
        "code": "bad_date",
        "field": "ContactBirthday",
        "detail": "ContactBirthday must not be in the future or before 1880.",
    }
    assert contact.birthday is None


@pytest.mark.parametrize("birthday", ["1880-01-01", str(timezone.localdate() - timedelta(days=1))])
def test_birthday_may_be_long_ago_or_yesterday(birthday):
    app = App()

    _, contact = app.log_data_input({"ContactBirthday": birthday})

    assert str(contact.birthday) == birthday


@pytest.mark.parametrize("state", ["DC", "PR", "GU", "FM", "mh", "PW", "AA", "AE", "AP"])
def test_states_that_are_no_states_have_codes_as_well(state):
    app = App()

    result, contact = app.log_data_input({"ContactState": state, "ContactCountry": "USA"})

    assert (result, contact.state) == ({"status": 202}, state.upper())


@pytest.mark.parametrize(
    ("wire_name", "attribute", "sent", "kept"),
    [
        ("ContactZIP", "zip", "75001.0", "75001"),
        ("ContactMobilePhone", "mobile_phone", "33612345678.0", "33612345678"),
        ("ContactBusinessPhone", "business_phone", "01.42.68.53.00", "01.42.68.53.00"),
        ("ContactMobilePhone", "mobile_phone", "+49 (0)30/1234-0 ext. 5.0", None),
        ("ContactMobilePhone", "mobile_phone", "0800 CALL NOW", None),
        ("ContactNotes", "notes", "4711.0", None),
    ],
)
def test_codes_lose_a_fraction_and_phones_nothing_else(wire_name, attribute, sent, kept):
    app = App()

    _, contact = app.log_data_input({wire_name: sent})

    assert getattr(contact, attribute) == (sent if kept is None else kept)


@pytest.mark.parametrize("country", ["DEU", "gbr", "Nor", "TWN", "xkx"])
def test_country_is_a_code_of_three_letters(country):
    app = App()

    result, contact = app.log_data_input({"ContactCountry": country})

    assert result == {"status": 202}
    assert contact.country == country.upper()


@pytest.mark.parametrize(
    "country", ["US", "Germany", "XXX", "ZZZ", "276", "DEUT", "D\u0415U", "\u017f"]
)
def test_country_must_be_one_of_iso_3166(country):
    app = App()

    result, contact = app.log_data_input({"ContactCountry": country})

    assert (result["status"], result["error"]["code"]) == (400, "bad_country")
    assert result["error"]["field"] == "ContactCountry"
    assert contact.country == ""


@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        ({"ContactState": "NY", "ContactCountry": "USA"}, ("USA", "NY")),
        ({"ContactState": "ny"}, ("", "NY")),
        ({"ContactState": "DC"}, ("", "DC")),
        ({"ContactState": "PR"}, ("", "PR")),
        ({"ContactState": "NY", "ContactCountry": ""}, ("", "NY")),
    ],
)
def test_state_goes_with_the_usa_or_no_country(fields, kept):
    app = App()

    result, contact = app.log_data_input(fields)

    assert result == {"status": 202}
    assert (contact.country, contact.state) == kept


@pytest.mark.parametrize(
    "fields",
    [
        {"ContactState": "XX"},
        {"ContactState": "New York"},
        {"ContactState": "N"},
        {"ContactState": "ON", "ContactCountry": "CAN"},
        {"ContactState": "NY", "ContactCountry": "CAN"},
        {"ContactState": "US-NY"},
    ],
)
def test_state_must_be_one_of_the_usa(fields):
    app = App()

    result, contact = app.log_data_input(fields)

    assert (result["status"], result["error"]["code"]) == (400, "bad_state")
    assert result["error"]["field"] == "ContactState"
    assert (contact.country, contact.state) == ("", "")


def test_country_and_state_are_followed_when_they_change():
    app = App()
    guid = app.create_contact()
    app.log_data_input({"ContactCountry": "USA", "ContactState": "NY"}, contact=guid)

    _, contact = app.log_data_input({"ContactCountry": "NOR"}, contact=guid)

    assert (contact.country, contact.state) == ("NOR", "")


def test_contact_field_with_nul_is_refused():
    app = App()

    result, contact = app.log_data_input({"ContactNotes": "a\0b", "ContactCity": "Oslo"})

    assert (result["status"], result["error"]["code"]) == (400, "bad_text")
    assert result["error"]["field"] == "ContactNotes"
    assert contact.city == ""


def test_space_around_a_contact_field_is_left_out():
    app = App()

    _, contact = app.log_data_input({"ContactEmail": " ann@example.com\n", "ContactCity": "  "})

    assert (contact.email, contact.city) == ("ann@example.com", "")


@pytest.mark.parametrize("contact_fields", [[], "x", 5, False])
def test_contact_fields_must_be_an_object(contact_fields):
    app = App()

    result, _ = app.log_data_input(contact_fields)

    assert (result["status"], result["error"]["code"]) == (400, "wrong_type")
    assert result["error"]["field"] == "contactFields"


@pytest.mark.parametrize("contact_fields", [None, {}])
def test_data_input_may_come_without_contact_fields(contact_fields):
    app = App()

    result, _ = app.log_data_input(contact_fields)

    assert result == {"status": 202}
    assert Activity.objects.get().title == "Data input 'Form'"
    assert not DataInput.objects.exists()


def test_contact_fields_of_other_types_are_ignored():
    app = App()

    results = app.log({"type": "click", "value": "Buy", "contactFields": {"ContactCity": 5}})

    assert results == [{"status": 202}]
    assert not DataInput.objects.exists()


def test_bad_field_refuses_its_activity_and_no_other():
    app = App()
    guid = app.create_contact()

    results = app.log(
        {"type": "datainput", "value": "1", "contactFields": {"ContactCity": "Oslo"}},
        {"type": "datainput", "value": "2", "contactFields": {"ContactEmail": "ann"}},
        {"type": "datainput", "value": "3", "contactFields": {"ContactCity": "Bergen"}},
        contact=guid,
    )
    do_data_inputs()

    assert [result["status"] for result in results] == [202, 400, 202]
    assert Contact.objects.get(guid=guid).city == "Bergen"


def test_different_email_leaves_the_sender_as_it_was():
    app = App()
    guid = app.create_contact()
    app.log_data_input({"ContactEmail": "ann@example.com", "ContactCity": "Oslo"}, contact=guid)

    result, ann = app.log_data_input(
        {"ContactEmail": "bob@example.com", "ContactCity": "Bergen"}, contact=guid
    )

    bob = Contact.objects.get(email="bob@example.com")
    assert result == {"status": 202}
    assert (ann.email, ann.city) == ("ann@example.com", "Oslo")
    assert bob.city == "Bergen"
    assert [activity.contact for activity in Activity.objects.order_by("pk")] == [ann, bob]


def test_email_is_that_of_one_contact_in_every_script():
    app = App()
    email = "ann@İSTANBUL.example"
    first, second = app.create_contact(), app.create_contact()
    app.log_data_input({"ContactEmail": email, "ContactCity": "Oslo"}, contact=first)

    app.log_data_input({"ContactEmail": email, "ContactLastName": "Smith"}, contact=second)

    ann = Contact.objects.get(merged_into=None)
    assert (ann.email, ann.city, ann.last_name) == (email, "Oslo", "Smith")
    assert not DataInput.objects.filter(outcome=DataInput.Outcome.PENDING).exists()
