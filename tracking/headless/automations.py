"""Letting contacts into automations, as applications ask for it."""

import hashlib

from automations.entering import ARCHIVED, SWITCHED_OFF, NotEntered, start_or_say
from automations.finding import automation_with_code_name
from automations.models import Run
from channels.models import ApiKey
from contacts.models import Contact
from web.problems import Problem

# PostgreSQL's whole numbers have a sign.
_BITS = 63


def start_run(api_key: ApiKey, code_name: str, contact: Contact, idempotency_key: str = "") -> int:
    """The id of the run that begins; of the earlier one, if the key was used for the contact.

    :raises Problem: 404 if there is no such automation, 409 if the contact may not enter
    """
    automation = automation_with_code_name(code_name)
    if automation is None:
        raise Problem(404, "unknown_automation", "There is no automation with this code name.")
    cause_id = _number_of(api_key, idempotency_key) if idempotency_key else None
    try:
        return start_or_say(automation, contact, cause=Run.Cause.API, cause_id=cause_id)
    except NotEntered as error:
        reason = str(error)
        if reason in (ARCHIVED, SWITCHED_OFF):
            raise Problem(409, "automation_off", reason) from None
        raise Problem(409, "may_not_enter", reason) from None


def _number_of(api_key: ApiKey, idempotency_key: str) -> int:
    """The number by which a run knows the request that it began with."""
    digest = hashlib.sha256(f"{api_key.pk} {idempotency_key}".encode()).digest()
    return int.from_bytes(digest[:8]) >> (64 - _BITS)
