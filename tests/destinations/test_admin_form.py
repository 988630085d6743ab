"""The form of a destination: its kind decides what is asked, and no secret comes back."""

import json

import pytest

from adminsite.formatting import change_url
from destinations.admin.forms import form_class
from destinations.models import Destination
from tests.admin.pages import form_on
from tests.destinations.desk import ADD_URL, EVERYBODY, make_delivery, make_destination, posted
from tests.factories import make_activity, make_activity_type, make_consent, make_group

pytestmark = pytest.mark.django_db

FROM_AUSTRIA = {"match": "all", "conditions": [{"type": "country", "values": ["AUT"]}]}
MAPPING = [{"to": "mail", "from": "contact.email"}, {"to": "source", "value": "hub"}]


def form_of(client, destination):
    """The fields of the page of a destination, as its user would send them."""
    return form_on(client.get(change_url(destination)))


def errors_of(response):
    return response.context["adminform"].form.errors


def test_a_webhook_is_added_and_its_secret_shown_once(admin_client):
    group, consent = make_group("vip"), make_consent("Marketing")
    given = posted(
        activities=["purchase"],
        groups=[group.code_name],
        consents=["Marketing"],
        rule=FROM_AUSTRIA,
        consent=consent.pk,
        which_fields="some",
        fields=["city", "first_name"],
        headers=[{"name": "Authorization", "value": "Bearer s3cret"}],
        mapping=MAPPING,
    )

    response = admin_client.post(ADD_URL, given)

    destination = Destination.objects.get()
    assert destination.secret.startswith("whsec_")
    assert destination.secret in response.text
    assert "no-store" in response.headers["Cache-Control"]
    assert (destination.activities, destination.groups) == (["purchase"], ["vip"])
    assert (destination.consents, destination.consent) == (["Marketing"], consent)
    assert (destination.rule, destination.fields) == (FROM_AUSTRIA, ["first_name", "city"])
    assert destination.headers == {"Authorization": "Bearer s3cret"}
    assert (destination.mapping, destination.enabled) == (MAPPING, False)
    page = admin_client.get(change_url(destination)).text
    assert destination.secret not in page
    assert "s3cret" not in page


@pytest.mark.parametrize("button", ["_continue", "_addanother"])
def test_the_secret_is_shown_whichever_button_saves(admin_client, button):
    response = admin_client.post(ADD_URL, posted(**{button: "1"}))

    assert Destination.objects.get().secret in response.text


def test_what_is_not_changed_stays(admin_client):
    destination = make_destination(
        activities=["purchase"],
        rule=FROM_AUSTRIA,
        fields=[],
        headers={"Authorization": "Bearer s3cret"},
        mapping=MAPPING,
    )
    before = Destination.objects.values().get()

    given = form_of(admin_client, destination)
    response = admin_client.post(change_url(destination), {**given, "name": "New name"})

    assert response.status_code == 302
    destination.refresh_from_db()
    assert destination.headers == {"Authorization": "Bearer s3cret"}
    assert Destination.objects.values().get() == {**before, "name": "New name"}


def test_a_value_of_a_header_is_replaced_and_another_kept(admin_client):
    destination = make_destination(headers={"One": "1", "Two": "2", "Three": "3"})
    given = form_of(admin_client, destination)
    assert json.loads(given["headers"]) == [
        {"name": name, "value": None} for name in ("One", "Two", "Three")
    ]

    rows = [{"name": "One", "value": None}, {"name": "Two", "value": "new"}]
    admin_client.post(change_url(destination), {**given, "headers": json.dumps(rows)})

    destination.refresh_from_db()
    assert destination.headers == {"One": "1", "Two": "new"}


HEADERS = {"Authorization": "Bearer s3cret", "Accept": "*/*"}


@pytest.mark.parametrize(
    ("url", "rows", "is_saved"),
    [
        ("https://crm.example.com/other?way=1", {"Authorization": None, "Accept": None}, True),
        ("https://mine.example.com/hook", {"Authorization": None, "Accept": None}, False),
        ("http://crm.example.com/hook", {"Authorization": None, "Accept": None}, False),
        ("https://crm.example.com:8443/hook", {"Authorization": None, "Accept": None}, False),
        ("https://mine.example.com/hook", {"Authorization": "Bearer 2", "Accept": None}, True),
        ("https://mine.example.com/hook", {"Authorization": "Bearer s3cret"}, True),
        ("https://mine.example.com/hook", {"Accept": None}, True),
    ],
)
def test_saved_headers_do_not_go_along_to_another_server(admin_client, url, rows, is_saved):
    destination = make_destination(headers=HEADERS)
    given = form_of(admin_client, destination)
    headers = json.dumps([{"name": name, "value": value} for name, value in rows.items()])

    changed = {"url": url, "headers": headers}
    response = admin_client.post(change_url(destination), {**given, **changed})

    destination.refresh_from_db()
    assert (destination.url == url) is is_saved
    if not is_saved:
        (error,) = errors_of(response)["url"]
        assert "Enter anew, or take out: Authorization." in error
        assert "s3cret" not in response.text


def test_saved_credentials_do_not_go_along_to_another_server(admin_client):
    url, other = "https://api.segment.io/v1/batch", "https://mine.example.com/v1/batch"
    destination = make_destination(type="segment", url=url, credentials={"write_key": "s3cret"})
    given = {**form_of(admin_client, destination), "url": other}

    refused = admin_client.post(change_url(destination), given)
    destination.refresh_from_db()
    assert destination.url == url
    assert "Enter anew, or take out: write key." in errors_of(refused)["url"][0]

    admin_client.post(change_url(destination), {**given, "segment_write_key": "new"})
    destination.refresh_from_db()
    assert (destination.url, destination.credentials) == (other, {"write_key": "new"})


def test_a_rule_without_a_condition_and_all_fields_are_none(admin_client):
    destination = make_destination(rule=FROM_AUSTRIA, fields=["city"])
    given = form_of(admin_client, destination)

    changed = {"rule": json.dumps(EVERYBODY), "which_fields": "all"}
    admin_client.post(change_url(destination), {**given, **changed})

    destination.refresh_from_db()
    assert (destination.rule, destination.fields) == (None, None)


def test_google_analytics_has_options_and_a_secret_that_stays(admin_client):
    given = posted(
        type="ga4",
        url="",
        ga4_measurement_id="G-ABC1234567",
        ga4_api_secret="t0psecret",
        headers=[{"name": "Left", "value": "over"}],
        mapping=MAPPING,
        segment_write_key="of another kind",
    )

    response = admin_client.post(ADD_URL, given)

    destination = Destination.objects.get()
    assert response.url == change_url(destination)
    assert destination.options == {"measurement_id": "G-ABC1234567"}
    assert destination.credentials == {"api_secret": "t0psecret"}
    assert (destination.headers, destination.mapping, destination.secret) == ({}, None, "")
    form = form_of(admin_client, destination)
    assert form["ga4_measurement_id"] == "G-ABC1234567"
    assert form["ga4_api_secret"] == ""
    admin_client.post(change_url(destination), {**form, "ga4_measurement_id": "G-DEF1234567"})
    destination.refresh_from_db()
    assert destination.options == {"measurement_id": "G-DEF1234567"}
    assert destination.credentials == {"api_secret": "t0psecret"}


@pytest.mark.parametrize(
    ("fields", "field", "text"),
    [
        ({"url": ""}, "url", "Enter the address"),
        ({"url": "http://127.0.0.1/"}, "url", "loopback"),
        ({"type": "ga4", "url": ""}, "ga4_measurement_id", "Fill this in"),
        ({"type": "ga4", "url": ""}, "ga4_api_secret", "Fill this in"),
        ({"type": "moon"}, "type", "Select a valid choice"),
        ({"activities": "x"}, "activities", "not sent as it was drawn"),
        ({"activities": ""}, "activities", "not sent as it was drawn"),
        ({"activities": ["x" * 251]}, "activities", "is no name"),
        ({"groups": ["a\0b"]}, "groups", "that no text can have"),
        ({"activities": ["\ud800"]}, "activities", "that no text can have"),
        ({"which_fields": "some", "fields": ["\ud800"]}, "fields", "that no text can have"),
        ({"headers": [{"name": "A", "value": "\ud800"}]}, "headers", "unseen characters"),
        ({"headers": [{"name": "\ud800", "value": "a"}]}, "headers", "no name of a header"),
        ({"mapping": [{"to": "\ud800", "value": 1}]}, "mapping", "that no text can have"),
        ({"mapping": [{"to": "a", "from": "\ud800"}]}, "mapping", "that no text can have"),
        ({"mapping": [{"to": "a", "value": "\ud800"}]}, "mapping", "that no text can have"),
        ({"mapping": [{"to": "a", "\ud800": 1}]}, "mapping", "that no text can have"),
        ({"which_fields": "some", "fields": ["shoe_size"]}, "fields", "no field “shoe_size”"),
        ({"rule": "x"}, "rule", "it cannot be read as JSON"),
        ({"headers": [{"name": "", "value": "x"}]}, "headers", "A header needs a name"),
        ({"headers": [{"name": "webhook-id", "value": "x"}]}, "headers", "sets webhook-id itself"),
        ({"headers": [{"name": "A", "value": "x\ny"}]}, "headers", ""),
        ({"mapping": [{"to": "a", "from": "moon"}]}, "mapping", "Field 1: A message has no “moon”"),
        ({"mapping": [{"to": "a", "value": 1}, {"to": "a", "value": 2}]}, "mapping", "Field 2:"),
        ({"mapping": []}, "mapping", "at least one field"),
        ({"mapping": {"to": "a"}}, "mapping", "list of fields"),
        ({"code_name": "a b"}, "code_name", "letters, digits"),
    ],
)
def test_what_cannot_be_is_refused_at_its_field(admin_client, fields, field, text):
    response = admin_client.post(ADD_URL, posted(**fields))

    assert response.status_code == 200
    assert [*errors_of(response)] == [field] or field.startswith("ga4")
    assert text in str(errors_of(response)[field])
    assert not Destination.objects.exists()


def test_the_kind_stays_once_there_are_deliveries(admin_client):
    destination = make_destination()
    destination.deliveries.create(
        kind="test", source="test:1", payload={}, occurred_at=destination.created_at
    )
    given = form_of(admin_client, destination)

    response = admin_client.post(
        change_url(destination), {**given, "type": "segment", "segment_write_key": "key"}
    )

    assert "It has deliveries in the format of its kind" in response.text
    destination.refresh_from_db()
    assert destination.type == "webhook"


def test_two_users_who_edit_at_once_do_not_undo_each_others_work(admin_client):
    destination = make_destination(activities=["purchase"])
    given = form_of(admin_client, destination)
    Destination.objects.update(activities=["purchase", "lead"])

    admin_client.post(change_url(destination), {**given, "name": "New name"})
    second = admin_client.post(
        change_url(destination), {**given, "activities": json.dumps(["signup"])}
    )

    destination.refresh_from_db()
    assert (destination.name, destination.activities) == ("New name", ["purchase", "lead"])
    assert "While you were editing, this has become “purchase, lead”." in second.text


def test_the_form_offers_what_there_is_and_says_what_was_never_seen(admin_client):
    make_activity_type("lead", name="Lead")
    make_activity()
    make_group("vip")

    form = admin_client.get(ADD_URL).context["adminform"].form

    given = form.fields["activities"].widget.given
    assert ("lead", "Lead") in given["offered"]
    assert "lead" in given["unseen"]
    assert "pagevisit" not in given["unseen"]
    assert ("vip", "Vip") in form.fields["groups"].widget.given["offered"]
    # What one page offers, no other form has.
    assert form_class().base_fields["groups"].widget.given["offered"] == []


def test_users_who_may_only_look_see_no_secret(log_in):
    destination = make_destination(headers={"Authorization": "Bearer s3cret"}, mapping=MAPPING)
    client = log_in("view_destination")

    html = client.get(change_url(destination)).text

    assert "Authorization" in html
    assert "mail is contact.email" in html
    assert "s3cret" not in html
    assert destination.secret not in html
    assert "Send a test" not in html
    assert client.post(change_url(destination), posted()).status_code == 403
    assert client.get(ADD_URL).status_code == 403


def test_the_folder_of_files_stays_once_there_are_deliveries(admin_client):
    destination = make_destination(type="file", url="", options={"folder": "crm"})
    given = form_of(admin_client, destination) | {"file_folder": "other"}
    make_delivery(destination)

    response = admin_client.post(change_url(destination), given)

    assert "taken out of the files in this folder alone" in errors_of(response)["file_folder"][0]
    destination.refresh_from_db()
    assert destination.options == {"folder": "crm"}
