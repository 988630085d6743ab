"""Lines of the inspector, and what users do about their causes, for tests of its pages."""

from django.urls import reverse

from tests.admin.history import make_rejected
from tests.factories import make_channel, make_contact

BASE = "admin:activities_rejectedactivity_"
CAUSES = reverse(f"{BASE}causes")
ACT = reverse(f"{BASE}act")
NAME = "custom_loan_calculator"


def line(named="loan_calc", **fields):
    """A line of a sender who is known, which can be replayed."""
    given = {
        "channel": fields.pop("channel", None) or make_channel(),
        "contact_guid": str(make_contact().guid),
        "context": {},
        "named": named,
    }
    return make_rejected(named, **{**given, **fields})


def page_of(client, one):
    return client.get(reverse(f"{BASE}cause"), {"cause": one.pk})


def act(client, one, do, **fields):
    return client.post(ACT, {"cause": one.pk, "do": do, **fields}, follow=True)
