"""Consents in the headless API as they are documented: their texts, answers and status."""

from uuid import UUID

import pytest
from django.test import Client

from consents.models import ConsentAgreement
from consents.texts import save_text
from tests.factories import make_consent
from tests.wire.app import App

pytestmark = pytest.mark.django_db


def test_consent_text_is_returned_in_the_language_asked_for():
    app = App()
    consent = make_consent(texts={"en": "<p>May we?</p>"})
    save_text(consent, language="de", short_text="<p>Dürfen wir?</p>", full_text="<b>Alles</b>")

    response = app.get("/consents/TrackingConsent?languageName=de")

    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    assert response.json() == {"shortText": "<p>Dürfen wir?</p>", "fullText": "<b>Alles</b>"}


def test_consent_text_without_language_is_the_default_one():
    app = App()
    make_consent(texts={"de": "<p>Dürfen wir?</p>", "en": "<p>May we?</p>"})

    response = app.get("/consents/TrackingConsent")

    assert response.json() == {"shortText": "<p>May we?</p>", "fullText": ""}


def test_consent_is_found_in_any_letter_case():
    app = App()
    make_consent()

    response = app.get("/consents/trackingconsent?LanguageName=en")

    assert response.json() == {"shortText": "<p>May we?</p>", "fullText": ""}


@pytest.mark.parametrize("agree", [True, False])
def test_answering_a_consent_is_answered_with_an_empty_200(agree):
    app = App()
    make_consent()
    contact = app.create_contact()

    response = app.post(f"/contacts/{contact}/consents/TrackingConsent", {"agree": agree})

    assert response.status_code == 200
    assert response.content == b""
    assert response["Content-Length"] == "0"
    agreement = ConsentAgreement.objects.get()
    assert agreement.agreed is agree
    assert agreement.contact.guid == UUID(contact)
    assert agreement.channel == app.channel
    assert agreement.request_id == UUID(response["Request-Id"])


def test_consent_status_follows_the_last_answer():
    app = App()
    make_consent()
    path = f"/contacts/{app.create_contact()}/consents/TrackingConsent"

    statuses = [app.get(path).json()]
    for agree in (True, False, True):
        app.post(path, {"agree": agree})
        statuses.append(app.get(path).json())

    assert statuses == [{"isAgreed": is_agreed} for is_agreed in (False, True, False, True)]


def test_consent_is_agreed_by_one_contact_only():
    app = App()
    make_consent()
    agreeing, other = app.create_contact(), app.create_contact()

    app.post(f"/contacts/{agreeing}/consents/TrackingConsent", {"agree": True})

    assert app.get(f"/contacts/{agreeing}/consents/TrackingConsent").json() == {"isAgreed": True}
    assert app.get(f"/contacts/{other}/consents/TrackingConsent").json() == {"isAgreed": False}


def test_consent_answer_keeps_the_text_in_the_language_that_was_shown():
    app = App()
    make_consent(texts={"en": "<p>May we?</p>", "de": "<p>Dürfen wir?</p>"})
    contact = app.create_contact()

    app.post(
        f"/contacts/{contact}/consents/TrackingConsent", {"agree": True, "languageName": "de-AT"}
    )

    assert ConsentAgreement.objects.get().text.short_text == "<p>Dürfen wir?</p>"


def test_consent_answer_in_pascal_case_is_recorded():
    app = App()
    make_consent()
    path = f"/contacts/{app.create_contact()}/consents/TrackingConsent"

    response = app.post(path, {"Agree": True})

    assert response.status_code == 200
    assert app.get(path).json() == {"isAgreed": True}


def test_path_of_a_consent_matches_in_any_spelling():
    app = App()
    make_consent()
    guid = app.create_contact().upper()

    paths = ["/CONSENTS/TRACKINGCONSENT/", f"/Contacts/{guid}/Consents/trackingconsent/"]
    responses = [Client().get(f"/KENTICO.tracking{path}", headers=_key(app)) for path in paths]

    assert [response.json() for response in responses] == [
        {"shortText": "<p>May we?</p>", "fullText": ""},
        {"isAgreed": False},
    ]


def _key(app):
    return {"Authorization": app.authorization}
