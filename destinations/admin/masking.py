"""What users who may not see contacts see of messages to destinations."""

import json
from collections.abc import Iterator
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import QuerySet

from activities.admin.personal_data import HIDDEN, hide_emails, hide_in_payload, personal_names
from activities.models import PropertyRule
from database.letter_case import fold
from destinations.models import Delivery

# Shorter texts, such as "yes", are part of too many words.
_SHORTEST = 3


def with_personal_names(deliveries: QuerySet[Delivery]) -> QuerySet[Delivery]:
    """These deliveries, each of which can be masked without a query of its own."""
    rules = PropertyRule.objects.filter(is_personal=True).order_by()
    return deliveries.annotate(personal_names=ArraySubquery(rules.values("name").distinct()))


def masked_payload(delivery: Delivery) -> Any:
    """The structure of what goes out, and of its values those that tell nothing of a contact."""
    if delivery.payload is None or delivery.kind == Delivery.Kind.TEST:
        return delivery.payload  # a test is about nobody
    return json.loads(hide_in_payload(json.dumps(delivery.payload).encode(), _names_for(delivery)))


def masked_text(delivery: Delivery, text: str) -> str:
    """An answer or an error without what it repeats of the message."""
    if not text or delivery.kind == Delivery.Kind.TEST:
        return text
    if delivery.payload is None:
        return HIDDEN  # nothing is left that says what it repeats
    shown = {str(one) for one in _leaves(masked_payload(delivery))}
    said = {str(one) for one in _leaves(delivery.payload)} - shown
    for one in sorted(said, key=len, reverse=True):
        if len(one) >= _SHORTEST:
            text = text.replace(one, HIDDEN)
    return hide_emails(text)


def masked_reason(delivery: Delivery) -> str:
    """Why it was not delivered; of a message that was forgotten the hub says that itself."""
    if delivery.payload is None:
        return hide_emails(delivery.reason)
    return masked_text(delivery, delivery.reason)


def _names_for(delivery: Delivery) -> frozenset[str]:
    names: list[str] | None = getattr(delivery, "personal_names", None)
    if names is None:
        return personal_names()
    return frozenset(fold(name.rpartition(".")[2]) for name in names)


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from _leaves(one)
    elif value is not None and not isinstance(value, bool):
        yield value
