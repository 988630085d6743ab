"""Activities whose properties rules are about."""

import uuid

from activities.recording import Draft, Source, record_activities
from tests.factories import make_channel, make_contact

CODE_NAME = "custom_loan_calculator"


def record(*properties, **fields):
    """Record activities with these properties, and return their outcomes."""
    drafts = [Draft(type=CODE_NAME, properties=one, **fields) for one in properties]
    source = Source(door="test", channel=make_channel(), request_id=uuid.uuid4())
    return record_activities(drafts, contact_guid=make_contact().guid, source=source)
