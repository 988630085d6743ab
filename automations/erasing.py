"""What is forgotten with a person who is erased, beyond the rows that are theirs."""

from collections.abc import Mapping

from automations.models import OutboxMessage, Suppression
from contacts.erasing_texts import patterns_of
from contacts.erasures import Erased, forget_texts
from contacts.records import label_of


def register() -> None:
    """Have erasures take along what only the address tells of."""
    forget_texts(_forget_addresses)


def _forget_addresses(erased: Erased) -> Mapping[str, int]:
    """Forget that an address wants no emails, and tests that users sent to it.

    The person is not written to any more. Who comes back decides anew.
    """
    suppressed, _ = Suppression.objects.filter(email_key__in=erased.email_keys).delete()
    others = OutboxMessage.objects.filter(contact=None)
    patterns = patterns_of(erased, others.values_list("recipients", flat=True))
    sent = sum(others.filter(recipients__iregex=one).delete()[0] for one in patterns)
    return {label_of(Suppression): suppressed, label_of(OutboxMessage): sent}
