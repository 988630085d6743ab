"""Contacts, as the API makes, shows, changes and erases them."""

from datetime import UTC, datetime

import pytest

from activities.inspector import keep_refused_request
from activities.models import Activity, RejectedActivity
from activities.problems import InvalidActivity
from contacts.models import Contact
from tests.contacts.merged import merge
from tests.factories import make_activity, make_contact
from tests.threads import run_at_once
from tests.wire.activecampaign import EMAIL, Account
from tests.wire.activecampaign_api import ApiClient, assert_error, assert_message

pytestmark = pytest.mark.django_db

ANN = {
    "email": "ann@example.com",
    "firstName": "Ann",
    "lastName": "Archer",
    "phone": "7223224241",
}


@pytest.fixture
def api():
    return ApiClient()


def fields_of(contact):
    return {
        "email": contact.email,
        "firstName": contact.first_name,
        "lastName": contact.last_name,
        "phone": contact.mobile_phone,
    }


# Showing


def test_contact_is_shown_as_documented(api):
    created_at = datetime(2018, 9, 28, 18, 50, 41, 7, tzinfo=UTC)
    contact = make_contact(
        email="ann@example.com", first_name="Ann", company_name="Acme", created_at=created_at
    )

    response = api.get(f"/contacts/{contact.pk}")

    assert response.status_code == 200
    answer = response.json()
    shown = answer.pop("contact")
    links = shown.pop("links")
    assert shown == {
        "id": str(contact.pk),
        "email": "ann@example.com",
        "email_empty": False,
        "firstName": "Ann",
        "lastName": "",
        "phone": "",
        "cdate": "2018-09-28T18:50:41+00:00",
        "udate": None,
        "created_utc_timestamp": "2018-09-28 18:50:41",
        "hash": contact.guid.hex,
        "deleted": "0",
        "orgid": "0",
        "orgname": "Acme",
        "organization": None,
    }
    assert len(links) == 18
    assert links["trackingLogs"] == (f"http://testserver/api/3/contacts/{contact.pk}/trackingLogs")
    assert answer == {
        "contactAutomations": [],
        "contactLists": [],
        "deals": [],
        "fieldValues": [],
        "geoAddresses": [],
        "geoIps": [],
    }


def test_merged_contact_leads_to_the_survivor(api):
    survivor, loser = make_contact(email="ann@example.com"), make_contact()
    merge(survivor, loser)

    response = api.get(f"/contacts/{loser.pk}")

    assert response.json()["contact"]["id"] == str(survivor.pk)


# Finding


@pytest.mark.parametrize(
    "email", ["ann@example.com", "ANN@Example.COM", "%20ann@example.com", "ann%40example.com"]
)
def test_contact_is_found_by_the_whole_email_in_any_letter_case(api, email):
    contact = make_contact(email="Ann@example.com")
    make_contact(email="mary-ann@example.com")

    response = api.get(f"/contacts?email={email}")

    assert response.status_code == 200
    assert [one["id"] for one in response.json()["contacts"]] == [str(contact.pk)]
    assert response.json()["meta"] == {"total": "1"}
    assert response.json()["scoreValues"] == []


@pytest.mark.parametrize("email", ["ann+list@example.com", "ann%2Blist%40example.com"])
def test_contact_is_found_by_an_email_whose_plus_nobody_escaped(api, email):
    contact = make_contact(email="ann+list@example.com")

    response = api.get(f"/contacts?email={email}")

    assert [one["id"] for one in response.json()["contacts"]] == [str(contact.pk)]


@pytest.mark.parametrize("email", ["bob@example.com", "", "%00", "x" * 3000, "%25"])
def test_email_that_nobody_has_finds_nobody(api, email):
    make_contact(email="ann@example.com")
    make_contact()

    response = api.get(f"/contacts?email={email}")

    assert (response.json()["contacts"], response.json()["meta"]) == ([], {"total": "0"})


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("", [0, 1, 2]),
        ("limit=2", [0, 1]),
        ("limit=2&offset=2", [2]),
        ("orders[id]=DESC", [2, 1, 0]),
        ("orders[cdate]=DESC", [0, 2, 1]),
        ("orders[email]=DESC", [0, 1, 2]),
        ("status=-1&search=&ids=", [0, 1, 2]),
    ],
)
def test_contacts_with_an_email_are_listed_in_pages(api, query, numbers):
    contacts = [make_contact(email=f"{number}@example.com") for number in range(3)]
    newest = contacts[0]
    newest.created_at = datetime(2100, 1, 1, tzinfo=UTC)
    newest.save()
    make_contact()
    make_contact(email="old@example.com", merged_into=newest)

    response = api.get(f"/contacts?{query}")

    assert [one["id"] for one in response.json()["contacts"]] == [
        str(contacts[number].pk) for number in numbers
    ]
    assert response.json()["meta"] == {"total": "3"}


def test_contacts_are_listed_from_an_id_on(api):
    first, second = make_contact(email="a@example.com"), make_contact(email="b@example.com")

    response = api.get(f"/contacts?id_greater={first.pk}")

    assert [one["id"] for one in response.json()["contacts"]] == [str(second.pk)]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (
            "email_like=ann",
            "Contacts cannot be filtered by email_like; use email or id_greater.",
        ),
        (
            "filters[created_after]=2023-01-01",
            "Contacts cannot be filtered by filters[created_after]; use email or id_greater.",
        ),
        ("ids[]=1", "Contacts cannot be filtered by ids[]; use email or id_greater."),
        ("id_greater=x", "id_greater must be the id of a contact, or 0."),
        ("orders[id]=1", "orders[id] must be ASC or DESC."),
    ],
)
def test_filter_that_would_be_left_out_of_account_is_refused(api, query, message):
    assert_message(api.get(f"/contacts?{query}"), 400, message)


def test_listing_costs_the_same_number_of_queries_however_many_they_are(
    api, django_assert_num_queries
):
    for number in range(30):
        make_contact(email=f"{number}@example.com")

    # The key and the note of its use, the contacts, and their number.
    with django_assert_num_queries(4):
        response = api.get("/contacts?limit=100")

    assert len(response.json()["contacts"]) == 30


# Creating


def test_contact_is_created(api):
    response = api.post("/contacts", {"contact": {**ANN, "fieldValues": [{"field": "1"}]}})

    assert response.status_code == 201
    contact = Contact.objects.get()
    assert fields_of(contact) == ANN
    shown = api.get(f"/contacts/{contact.pk}").json()["contact"]
    assert response.json() == {"fieldValues": [], "contact": shown}


def test_event_of_a_contact_who_was_created_is_logged(api):
    api.post("/contacts", {"contact": {"email": EMAIL}})

    account = Account(api.channel)
    assert account.post(account.form()).json()["success"] == 1

    assert Activity.objects.get().contact.email == EMAIL


def test_spaces_and_null_are_left_out(api):
    texts = {"email": " ann@example.com ", "firstName": " Ann\n", "lastName": None}

    response = api.post("/contacts", {"contact": texts})

    assert response.status_code == 201
    contact = Contact.objects.get()
    assert (contact.email, contact.first_name, contact.last_name) == ("ann@example.com", "Ann", "")


@pytest.mark.parametrize("email", ["ann@example.com", "ANN@example.com"])
def test_email_that_somebody_has_is_not_created_again(api, email):
    make_contact(email="ann@example.com")

    response = api.post("/contacts", {"contact": {"email": email}})

    assert_error(response, "duplicate", "email", "Email address already exists in the system")
    assert Contact.objects.count() == 1


@pytest.mark.parametrize("path", ["/contacts", "/contact/sync"])
@pytest.mark.parametrize("given", [{}, {"email": ""}, {"email": None}, {"firstName": "Ann"}])
def test_contact_needs_an_email(api, path, given):
    title = "The email address of the contact was not provided."

    assert_error(api.post(path, {"contact": given}), "field_missing", "email", title)
    assert not Contact.objects.exists()


@pytest.mark.parametrize("path", ["/contacts", "/contact/sync"])
@pytest.mark.parametrize(
    ("name", "value", "title"),
    [
        ("email", "ann", "email: Enter a valid email address."),
        ("email", 7, "email must be a string."),
        ("email", ["ann@example.com"], "email must be a string."),
        ("email", "a\0@example.com", "email: A text has no NUL character."),
        ("firstName", {"a": 1}, "firstName must be a string."),
        ("firstName", "a\0b", "firstName: A text has no NUL character."),
        (
            "lastName",
            "x" * 101,
            "lastName: Ensure this value has at most 100 characters (it has 101).",
        ),
        ("phone", "1" * 27, "phone: Ensure this value has at most 26 characters (it has 27)."),
        ("phone", True, "phone must be a string."),
    ],
)
def test_what_a_contact_cannot_have_is_refused(api, path, name, value, title):
    response = api.post(path, {"contact": {**ANN, name: value}})

    assert_error(response, "field_invalid", name, title)
    assert not Contact.objects.exists()


@pytest.mark.parametrize("path", ["/contacts", "/contact/sync"])
@pytest.mark.parametrize(("phone", "kept"), [(4711, "4711"), (4711.0, "4711"), ("4711.0", "4711")])
def test_a_phone_may_be_a_number(api, path, phone, kept):
    response = api.post(path, {"contact": {**ANN, "phone": phone}})

    assert response.json()["contact"]["phone"] == kept
    assert Contact.objects.get().mobile_phone == kept


# Creating or changing


def test_sync_creates_a_contact_and_changes_it_from_then_on(api):
    created = api.post("/contact/sync", {"contact": ANN})
    changed = api.post(
        "/contact/sync", {"contact": {"email": "ANN@example.com", "firstName": "Anna"}}
    )

    assert (created.status_code, changed.status_code) == (201, 200)
    contact = Contact.objects.get()
    assert fields_of(contact) == {**ANN, "firstName": "Anna"}
    shown = api.get(f"/contacts/{contact.pk}").json()["contact"]
    assert changed.json() == {"fieldValues": [], "contact": shown}


@pytest.mark.django_db(transaction=True)
def test_contacts_of_one_email_at_the_same_time_are_one_and_no_fault(api):
    clients = [ApiClient(api.channel) for _ in range(6)]

    creating = run_at_once(
        *[lambda client=client: client.post("/contacts", {"contact": ANN}) for client in clients]
    )
    syncing = run_at_once(
        *[
            lambda client=client: client.post("/contact/sync", {"contact": {"email": EMAIL}})
            for client in clients
        ]
    )

    assert sorted(response.status_code for response in creating) == [201] + [422] * 5
    assert sorted(response.status_code for response in syncing) == [200] * 5 + [201]
    assert Contact.objects.count() == 2


# Changing


def test_given_fields_are_changed_and_the_others_stay(api):
    contact = make_contact(email="ann@example.com", first_name="Ann", last_name="Archer")

    response = api.put(
        f"/contacts/{contact.pk}",
        {"contact": {"email": "anna@example.com", "firstName": "", "phone": "1", "lastName": None}},
    )

    assert response.status_code == 200
    contact.refresh_from_db()
    assert fields_of(contact) == {
        "email": "anna@example.com",
        "firstName": "",
        "lastName": "Archer",
        "phone": "1",
    }
    assert response.json()["contact"] == api.get(f"/contacts/{contact.pk}").json()["contact"]


def test_changing_a_merged_contact_changes_the_survivor(api):
    survivor, loser = make_contact(email="ann@example.com"), make_contact()
    merge(survivor, loser)

    response = api.put(f"/contacts/{loser.pk}", {"contact": {"firstName": "Ann"}})

    assert response.json()["contact"]["id"] == str(survivor.pk)
    survivor.refresh_from_db()
    assert survivor.first_name == "Ann"


def test_email_of_another_contact_is_not_taken_over(api):
    make_contact(email="ann@example.com")
    contact = make_contact(email="bob@example.com")

    response = api.put(f"/contacts/{contact.pk}", {"contact": {"email": "Ann@example.com"}})

    assert_error(response, "duplicate", "email", "Email address already exists in the system")
    contact.refresh_from_db()
    assert contact.email == "bob@example.com"


def test_email_is_not_emptied(api):
    contact = make_contact(email="ann@example.com")

    response = api.put(f"/contacts/{contact.pk}", {"contact": {"email": ""}})

    title = "The email address of the contact was not provided."
    assert_error(response, "field_missing", "email", title)
    contact.refresh_from_db()
    assert contact.email == "ann@example.com"


# Erasing


def test_contact_is_erased_with_everything_that_is_known_of_them(api):
    survivor, loser = make_contact(email="ann@example.com"), make_contact()
    make_activity(loser)
    merge(survivor, loser)
    other = make_activity()
    keep_refused_request(
        InvalidActivity("bad", "", "Bad."),
        door="test",
        request_id=other.request_id,
        payload=b"email=ann%40example.com",
        payload_length=23,
    )

    response = api.delete(f"/contacts/{loser.pk}")

    assert (response.status_code, response.json()) == (200, {})
    assert list(Contact.objects.all()) == [other.contact]
    assert list(Activity.objects.all()) == [other]
    assert not RejectedActivity.objects.exists()
    assert api.get(f"/contacts/{survivor.pk}").status_code == 404
    assert api.post("/contacts", {"contact": ANN}).status_code == 422


@pytest.mark.parametrize("given", ["1", "abc", "9" * 30])
def test_contact_who_is_not_there_is_told_so(api, given):
    message = f"No Result found for Subscriber with id {given}"

    assert_message(api.get(f"/contacts/{given}"), 404, message)
    assert_message(api.put(f"/contacts/{given}", {"contact": {}}), 404, message)
    message = f"No result found for contact with id {given}"
    assert_message(api.delete(f"/contacts/{given}"), 404, message)
