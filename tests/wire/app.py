"""An application that calls the headless tracking API, over HTTP and through every middleware."""

import json

from django.test import Client

from activities.models import Activity, RejectedActivity
from consents.models import ConsentAgreement
from contacts.models import Contact
from tests.factories import make_key
from tests.work import do_data_inputs

ROOT = "/Kentico.Tracking"
CLICK = {"type": "click", "value": "Buy"}


class App:
    """What an application has: a channel, the text of a key, and HTTP."""

    def __init__(self, channel=None, **key_fields):
        self.api_key, self.key_text = make_key(channel, **key_fields)
        self.channel = self.api_key.channel
        # A server's fault has to arrive as the answer that an application would get.
        self.http = Client(raise_request_exception=False)

    @property
    def authorization(self):
        return f"Bearer {self.key_text}"

    def get(self, path, *, headers=()):
        headers = {"Authorization": self.authorization, **dict(headers)}
        return self.http.get(f"{ROOT}{path}", headers=_sent(headers))

    def post(self, path, body=b"", *, content_type="application/json", headers=()):
        """POST `body`: bytes as they are, else as JSON. A header that is None is left out."""
        headers = {"Authorization": self.authorization, **dict(headers)}
        return self.http.post(
            f"{ROOT}{path}",
            body if isinstance(body, bytes) else json.dumps(body).encode(),
            content_type=content_type,
            headers=_sent(headers),
        )

    def create_contact(self):
        return self.post("/contacts").json()["contact"]

    def message(self, *activities, contact=None):
        """The body that logs these activities, as a dict."""
        return {
            "channel": str(self.channel.guid),
            "contact": str(contact or self.create_contact()),
            "activities": list(activities),
        }

    def log(self, *activities, contact=None):
        """Log these activities, and return the results."""
        response = self.post("/activities", self.message(*activities, contact=contact))
        assert response.status_code == 207, response.content
        return response.json()["results"]

    def log_raw(self, *activities, contact=None):
        """Log activities that are JSON text already, and return the answer."""
        return self.post("/activities", self.raw_message(*activities, contact=contact))

    def raw_message(self, *activities, contact=None):
        """The body that logs activities that are JSON text already."""
        return b'{"channel":"%s","contact":"%s","activities":[%s]}' % (
            str(self.channel.guid).encode(),
            str(contact or self.create_contact()).encode(),
            b",".join(activities),
        )

    def log_data_input(self, fields, contact=None):
        """Send contact fields, let a worker apply them, and return the result and the contact."""
        guid = contact or self.create_contact()
        data_input = {"type": "datainput", "value": "Form", "contactFields": fields}
        (result,) = self.log(data_input, contact=guid)
        do_data_inputs()
        return result, Contact.objects.get(guid=guid)


def _sent(headers):
    return {name: value for name, value in headers.items() if value is not None}


def assert_problem(response, status, code, field=None):
    """`response` is a problem document that says this, under the request id of its header."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == status
    assert problem["code"] == code
    assert problem["type"] == f"urn:throughline:problem:{code}"
    assert problem["detail"]
    assert problem.get("field") == field
    assert problem["requestId"] == response["Request-Id"]


def rejection_of(response):
    """The one row of the inspector that `response` left."""
    return RejectedActivity.objects.get(request_id=response["Request-Id"])


def requests_of(app):
    """One request of each kind that the API knows, as method, path and body."""
    contact = app.create_contact()
    return [
        ("GET", f"{ROOT}/consents/TrackingConsent", None),
        ("POST", f"{ROOT}/contacts", b""),
        ("GET", f"{ROOT}/contacts/{contact}/consents/TrackingConsent", None),
        ("POST", f"{ROOT}/contacts/{contact}/consents/TrackingConsent", {"agree": True}),
        ("POST", f"{ROOT}/activities", app.message(CLICK, contact=contact)),
    ]


def send(method, path, body, **headers):
    client = Client(raise_request_exception=False, headers=headers)
    return client.generic(method, path, _encoded(body), content_type="application/json")


def _encoded(body):
    return Client()._encode_json(body or b"", "application/json") or b""


def everything():
    """What the hub knows that a request could have added to."""
    return (
        set(Contact.objects.values_list("guid", flat=True)),
        Activity.objects.count(),
        ConsentAgreement.objects.count(),
    )
