"""An objection to direct marketing (Article 21(2) and (3)): what it stops in this hub.

It counts without a reason, and for good. Four things of the hub may serve direct marketing:

- **consents** that the person agreed to are revoked, the tracking consent among them, because
  profiles for direct marketing count as well;
- **the email** gets no more emails, whatever they need;
- **automations** that the person is in end for them; later ones neither write to them nor tell
  about them what needs a consent;
- **destinations that ask for no consent** go on: the hub cannot know whether they serve marketing.
  They are listed, for a user to leave the group of all who have objected out of their rules.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction

from automations.control import stop_runs_of_contact
from automations.emails.suppressing import suppress
from automations.models import Run, Suppression
from consents.agreements import record_agreements
from consents.models import Consent, CurrentAnswer
from contacts.merging import lock_live
from contacts.models import Contact
from destinations.models import Destination
from groups.finding import group_with_code_name
from groups.membership import add_members
from groups.models import ContactGroup, MembershipEvent
from groups.rules import InvalidRule
from groups.saving import save_group
from privacy.models import PersonRequest
from privacy.requests.answering import ERASED, Event, Kind, Status, end, open_request
from privacy.requests.people import CannotDo, live_contact_of
from privacy.requests.receiving import note

# The list of all who have objected.
GROUP = "objected-to-marketing"
_GROUP_NAME = "Objected to direct marketing"
_WHY = "Objected to direct marketing."


@dataclass(frozen=True)
class Stops:
    """What the objection of a person would stop.

    :ivar consents: those that they agree to
    :ivar runs: how many automations they are in
    :ivar is_suppressed: whether their email gets no emails already
    """

    consents: list[Consent]
    runs: int
    is_suppressed: bool


def what_stops(contact: Contact) -> Stops:
    """What the objection of this live contact would stop, as it is now."""
    answers = CurrentAnswer.objects.filter(contact=contact, agreed=True)
    consents = Consent.objects.filter(pk__in=answers.values("consent")).order_by("name", "pk")
    inside = [Run.Status.RUNNING, Run.Status.PAUSED]
    key = contact.email_key
    return Stops(
        consents=list(consents),
        runs=Run.objects.filter(contact=contact, status__in=inside).count(),
        is_suppressed=bool(key) and Suppression.objects.filter(email_key=key).exists(),
    )


def destinations_that_go_on() -> list[Destination]:
    """Destinations that ask for no consent, and whose rule does not name the group of objectors."""
    rows = Destination.objects.filter(enabled=True, consent=None).order_by("name", "pk")
    return [one for one in rows if not _names_group(one.rule)]


def object_to_marketing(
    request_id: int, consents: Collection[Consent], *, suppresses: bool, by: User
) -> None:
    """Respect an objection: revoke these consents, and stop what the module tells; it ends so.

    :param suppresses: whether the email gets no emails any more, transactional ones neither
    :raises CannotDo: if it has ended, or the person was erased
    """
    group = _group()
    with transaction.atomic():
        contact = live_contact_of(PersonRequest.objects.get(pk=request_id))
        try:
            if contact is None:
                raise Contact.DoesNotExist
            (contact,) = lock_live(contact.pk)
        except Contact.DoesNotExist:
            raise CannotDo(ERASED) from None
        with open_request(request_id) as row:
            if row.kind != Kind.OBJECTION:
                raise CannotDo("This request is no objection.")
            for says in _stop(contact, consents, group, suppresses=suppresses, by=by):
                note(row, Event.OBJECTION, says, by)
            end(row, Status.DONE, "Done: the objection is respected.", by)


def _stop(
    contact: Contact,
    consents: Collection[Consent],
    group: ContactGroup,
    *,
    suppresses: bool,
    by: User,
) -> list[str]:
    """Stop what there is, and say what that was."""
    says = []
    if consents:
        record_agreements([contact], dict.fromkeys(consents, False))
        names = ", ".join(f"“{one.name}”" for one in consents)
        says.append(f"Revoked {names}.")
    if suppresses and contact.email:
        suppress(contact.email, Suppression.Reason.USER, _WHY)
        says.append("The email gets no more emails.")
    if stopped := stop_runs_of_contact(contact.pk, _WHY):
        count = "1 automation" if stopped == 1 else f"{stopped:,} automations"
        says.append(f"Stopped the way through {count}.")
    add_members(group, [contact.pk], cause=MembershipEvent.Cause.USER, by=by)
    says.append(f"Added to the group “{group.name}”.")
    return says


def _group() -> ContactGroup:
    """The list of all who have objected, made now if it is not there."""
    group = group_with_code_name(GROUP)
    if group is None:
        group = ContactGroup(
            code_name=GROUP,
            name=_GROUP_NAME,
            static=True,
            description="Contacts who object to direct marketing. Leave this group out of the "
            "rules of automations and destinations that ask for no consent.",
        )
        try:
            save_group(group)
        except (ValidationError, InvalidRule):  # another user's objection has made it just now
            group = group_with_code_name(GROUP) or group
    if not group.static:
        raise CannotDo(f"The group “{GROUP}” has a rule. Give it another code name first.")
    return group


def _names_group(rule: Any) -> bool:
    """Whether a rule names the group of objectors somewhere."""
    if isinstance(rule, dict):
        return any(_names_group(one) for one in rule.values())
    if isinstance(rule, list):
        return any(_names_group(one) for one in rule)
    return isinstance(rule, str) and rule.lower() == GROUP
