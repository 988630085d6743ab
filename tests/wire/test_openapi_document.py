"""The OpenAPI document of the tracking API, and the page that shows it."""

import json
import re

import pytest
from django.core.management import call_command
from django.test import Client

from config.api_docs.operations import read_sections


def document():
    response = Client().get("/api/schema/", headers={"Accept": "application/json"})
    assert response.status_code == 200
    return json.loads(response.content)


def test_document_is_valid_and_made_without_a_warning(tmp_path):
    call_command("spectacular", validate=True, fail_on_warn=True, file=str(tmp_path / "api.yaml"))

    assert (tmp_path / "api.yaml").read_text().startswith("openapi: 3.1")


def test_document_has_the_documented_endpoints_and_no_others():
    paths = document()["paths"]

    assert {(path, method) for path, methods in paths.items() for method in methods} == {
        ("/Kentico.Tracking/activities", "post"),
        ("/Kentico.Tracking/automations/{code_name}/runs", "post"),
        ("/Kentico.Tracking/consents/{consent_name}", "get"),
        ("/Kentico.Tracking/contacts", "post"),
        ("/Kentico.Tracking/contacts/{contact_guid}/consents/{consent_name}", "get"),
        ("/Kentico.Tracking/contacts/{contact_guid}/groups", "get"),
        ("/Kentico.Tracking/contacts/{contact_guid}/consents/{consent_name}", "post"),
        ("/api/3/activities", "get"),
        ("/api/3/contact/sync", "post"),
        ("/api/3/contacts", "get"),
        ("/api/3/contacts", "post"),
        ("/api/3/contacts/{contact_id}", "delete"),
        ("/api/3/contacts/{contact_id}", "get"),
        ("/api/3/contacts/{contact_id}", "put"),
        ("/api/3/contacts/{contact_id}/trackingLogs", "get"),
        ("/api/3/eventTracking", "get"),
        ("/api/3/eventTracking", "post"),
        ("/api/3/eventTracking", "put"),
        ("/api/3/eventTrackingEvents", "get"),
        ("/api/3/eventTrackingEvents", "post"),
        ("/api/3/eventTrackingEvents/{name}", "delete"),
        ("/api/3/trackingLogs/{log_id}/contact", "get"),
        ("/event", "post"),
        ("/events", "get"),
        ("/events", "post"),
        ("/events/batch", "post"),
        ("/hub/v1/contacts", "get"),
        ("/hub/v1/contacts/{contact_guid}", "get"),
        ("/hub/v1/contacts/{contact_guid}/timeline", "get"),
        ("/hub/v1/groups", "get"),
        ("/hub/v1/groups/{code_name}/members", "get"),
        ("/v2/{site_id}/event-inspector", "get"),
        ("/v2/{site_id}/monitoring/sources-data-quality", "get"),
        ("/v2/{site_id}/sources", "get"),
        ("/v2/{site_id}/sources/{source_id}", "get"),
        ("/visit", "get"),
    }


def operations_below(*roots):
    paths = document()["paths"].items()
    return [one for path, methods in paths if path.startswith(roots) for one in methods.values()]


def test_every_operation_has_a_request_id():
    for operation in operations_below("/"):
        for response in operation["responses"].values():
            assert response["headers"]["Request-Id"]["schema"]["format"] == "uuid"


def test_every_operation_with_a_body_says_what_may_be_wrong_with_it():
    operations = [one for one in operations_below("/") if "requestBody" in one]

    assert len(operations) == 12
    for operation in operations:
        assert {"400", "408", "413", "415", "503"} < set(operation["responses"])


@pytest.mark.parametrize(
    ("root", "scheme", "refusal"),
    [
        ("/Kentico.Tracking/activities", "apiKey", "401"),
        ("/Kentico.Tracking/consents", "apiKey", "401"),
        ("/Kentico.Tracking/contacts/{contact_guid}/consents", "apiKey", "401"),
        ("/Kentico.Tracking/contacts/{contact_guid}/groups", "groupsKey", "401"),
        ("/Kentico.Tracking/automations", "automationKey", "401"),
        ("/hub/v1/", "readKey", "401"),
        ("/v2/", "configKey", "401"),
        ("/api/3/", "apiToken", "403"),
    ],
)
def test_operations_ask_for_a_key(root, scheme, refusal):
    operations = operations_below(root)

    assert operations
    for operation in operations:
        assert operation["security"] == [{scheme: []}]
        assert {refusal, "404"} < set(operation["responses"])


def test_document_tells_all_contact_fields():
    schema = document()["paths"]["/Kentico.Tracking/activities"]["post"]["requestBody"]["content"]

    activity = schema["application/json"]["schema"]["properties"]["activities"]["items"]

    assert list(activity["properties"]["contactFields"]["properties"]) == [
        "ContactEmail",
        "ContactFirstName",
        "ContactMiddleName",
        "ContactLastName",
        "ContactBirthday",
        "ContactMobilePhone",
        "ContactBusinessPhone",
        "ContactCompanyName",
        "ContactJobTitle",
        "ContactAddress1",
        "ContactCity",
        "ContactZIP",
        "ContactCountry",
        "ContactState",
        "ContactNotes",
    ]


def test_docs_page_needs_nothing_from_the_internet():
    page = Client().get("/api/docs/")

    assert page.status_code == 200
    loaded = re.findall(r'(?:src|href|action)="([^"]*)"', page.text)
    assert loaded
    assert all(re.match(r"/(?!/)|#", address) for address in loaded)


def test_docs_page_has_every_operation_with_an_example_and_its_key():
    page = Client().get("/api/docs/")
    operations = operations_below("/")

    for operation in operations:
        assert f'id="{operation["operationId"]}"' in page.text
    assert page.text.count("data-try") == len(operations)
    assert "with access to the read API" in page.text
    assert "{event_key}" in page.text


def test_examples_of_bodies_fit_the_document():
    for section in read_sections():
        for operation in section.operations:
            if operation.body and not operation.body.is_form:
                assert json.loads(operation.body.example)


def test_docs_page_takes_no_other_method():
    assert Client().post("/api/docs/").status_code == 405
