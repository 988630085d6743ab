"""What marketers and operators change in the hub counts from the very next request on."""

from datetime import timedelta

import pytest
from django.utils import timezone

from activities.models import Activity, ActivityType
from consents.texts import save_text
from tests.factories import make_activity_type, make_channel, make_consent
from tests.wire.app import App

pytestmark = pytest.mark.django_db

CALCULATOR = {"type": "custom_loan_calculator", "value": "5000"}


def status_of(results):
    return [result["status"] for result in results]


def test_new_type_is_accepted_at_once():
    app = App()
    before = app.log(CALCULATOR)
    make_activity_type("custom_loan_calculator")

    after = app.log(CALCULATOR)

    assert status_of(before) == [400]
    assert status_of(after) == [202]


def test_switched_type_is_followed_at_once():
    app = App()
    loan_calculator = make_activity_type("custom_loan_calculator")

    statuses = []
    for enabled in (True, False, True):
        loan_calculator.enabled = enabled
        loan_calculator.save()
        statuses += status_of(app.log(CALCULATOR))

    assert statuses == [202, 400, 202]


def test_renamed_type_gives_new_titles_at_once():
    app = App()
    loan_calculator = make_activity_type("custom_loan_calculator", name="Loan calculator usage")
    app.log(CALCULATOR)
    loan_calculator.name = "Loan calculation"
    loan_calculator.save()

    app.log(CALCULATOR)

    assert list(Activity.objects.order_by("pk").values_list("title", flat=True)) == [
        "Loan calculator usage '5000'",
        "Loan calculation '5000'",
    ]


def test_changed_code_name_is_followed_at_once():
    app = App()
    loan_calculator = make_activity_type("custom_loan_calculator")
    app.log(CALCULATOR)
    loan_calculator.code_name = "loan"
    loan_calculator.save()

    assert status_of(app.log(CALCULATOR, {"type": "loan"})) == [400, 202]


def test_system_type_can_be_switched_off():
    app = App()
    ActivityType.objects.filter(code_name="click").update(enabled=False)

    results = app.log({"type": "click", "value": "x"}, {"type": "pagevisit", "url": "x"})

    assert status_of(results) == [400, 202]
    assert results[0]["error"]["code"] == "disabled_type"


def test_switched_key_is_followed_at_once():
    app = App()

    statuses = []
    for enabled in (True, False, True):
        app.api_key.enabled = enabled
        app.api_key.save()
        statuses.append(app.post("/contacts").status_code)

    assert statuses == [200, 401, 200]


def test_expired_key_is_refused_at_once():
    app = App()
    before = app.post("/contacts").status_code
    app.api_key.expires_at = timezone.now() - timedelta(milliseconds=1)
    app.api_key.save()

    after = app.post("/contacts").status_code

    assert (before, after) == (200, 401)


def test_deleted_key_is_refused_at_once():
    app = App()
    before = app.post("/contacts").status_code
    app.api_key.delete()

    after = app.post("/contacts").status_code

    assert (before, after) == (200, 401)


def test_changed_consent_text_is_shown_at_once():
    app = App()
    consent = make_consent()
    before = app.get("/consents/TrackingConsent").json()
    save_text(consent, language="en", short_text="<p>Would you mind?</p>")

    after = app.get("/consents/TrackingConsent").json()

    assert before == {"shortText": "<p>May we?</p>", "fullText": ""}
    assert after == {"shortText": "<p>Would you mind?</p>", "fullText": ""}


def test_new_language_is_shown_at_once():
    app = App()
    consent = make_consent()
    before = app.get("/consents/TrackingConsent?languageName=de").json()
    save_text(consent, language="de", short_text="<p>Dürfen wir?</p>")

    after = app.get("/consents/TrackingConsent?languageName=de").json()

    assert before["shortText"] == "<p>May we?</p>"
    assert after["shortText"] == "<p>Dürfen wir?</p>"


def test_agreement_outlives_a_change_of_the_text():
    app = App()
    consent = make_consent()
    path = f"/contacts/{app.create_contact()}/consents/TrackingConsent"
    app.post(path, {"agree": True})

    save_text(consent, language="en", short_text="<p>Would you mind?</p>")

    assert app.get(path).json() == {"isAgreed": True}


def test_enforcement_is_followed_at_once():
    app = App(make_channel(tracking_consent=make_consent()))

    statuses = []
    for enforce in (False, True, False):
        app.channel.enforce_consent = enforce
        app.channel.save()
        statuses += status_of(app.log({"type": "click", "value": "x"}))

    assert statuses == [202, 403, 202]


def test_changed_origins_are_followed_at_once():
    app = App()
    origin = "https://app.example.com"

    answers = []
    for allowed in ([], [origin], []):
        app.channel.allowed_origins = allowed
        app.channel.save()
        response = app.post("/contacts", headers={"Origin": origin})
        answers.append(response.get("Access-Control-Allow-Origin"))

    assert answers == [None, origin, None]


def test_use_of_a_key_is_noted():
    app = App()
    assert app.api_key.last_used_at is None

    app.post("/contacts")

    app.api_key.refresh_from_db()
    assert timezone.now() - app.api_key.last_used_at < timedelta(seconds=10)
