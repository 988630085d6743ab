"""What is kept where, and for how long: one table, which pages and the documentation show.

How long comes from the settings and constants by which things are forgotten. Rooms above add
theirs with `register_kept`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings

from automations.emails.outbox import KEPT_FOR as OUTBOX
from contacts.touching import KEPT_FOR as TOUCHED
from exchange.importing.storing import KEPT_FOR as IMPORTS
from figures.times import KEPT_DAYS as FIGURES
from privacy.retention.words import period

# What has no time of its own stays as long as the contact: the contact's rules say how long.
WITH_CONTACT = "as long as the contact"
PROOF = "always, as proof"
BY_RULE = "by rule of its type; without one, as long as the contact"


@dataclass(frozen=True)
class Kept:
    """Something that the hub keeps of persons.

    :ivar where: the page of the admin, or the table, that has it
    :ivar how_long: computed when it is shown, since settings may differ
    :ivar setting: by which setting it can be changed, if by one
    """

    what: str
    where: str
    how_long: Callable[[], str]
    setting: str = ""

    @property
    def says(self) -> str:
        """How long, with the setting."""
        return f"{self.how_long()} (`{self.setting}`)" if self.setting else self.how_long()


def days(given: int | timedelta) -> Callable[[], str]:
    """So many days, in words."""
    number = given.days if isinstance(given, timedelta) else given
    return lambda: period(number)


def _always(text: str) -> Callable[[], str]:
    return lambda: text


_KEPT = [
    Kept(
        "Who contacts are: fields, identifiers, notes, tags, changes, merges",
        "Contacts",
        _always("until they are erased; rules for anonymous and for inactive contacts"),
    ),
    Kept("What contacts did, and what they entered in forms", "Activities", _always(BY_RULE)),
    Kept("When a contact's last activity was that a rule deleted", "", _always(WITH_CONTACT)),
    Kept("Agreements, with text, time and place", "Agreements", _always(WITH_CONTACT)),
    Kept(
        "What erased people had answered, under keyed hashes of their names",
        "Proof after erasure",
        _always(PROOF),
    ),
    Kept(
        "Requests of persons; once one has ended, without a name",
        "Requests",
        _always(PROOF),
    ),
    Kept(
        "Erasures: certificates, and keyed hashes of names, so that nobody comes back by mistake",
        "Certificates",
        _always(PROOF),
    ),
    Kept(
        "Files with what the hub knows of one person",
        "Access files",
        lambda: period(settings.ACCESS_FILES_KEPT_DAYS),
        "ACCESS_FILES_KEPT_DAYS",
    ),
    Kept(
        "Files of exports",
        "Exports",
        lambda: period(settings.EXPORT_DAYS),
        "EXPORT_DAYS",
    ),
    Kept("Files of imports that are not in use", "Imports", days(IMPORTS)),
    Kept("Places in contact groups, entries and exits", "Contact groups", _always(WITH_CONTACT)),
    Kept(
        "Runs of automations, emails as they were sent, and what became of them",
        "Automations, Emails",
        _always(WITH_CONTACT),
    ),
    Kept(
        "Emails of a hub without a mail server",
        "Outbox",
        days(OUTBOX),
    ),
    Kept(
        "Addresses that get no emails",
        "Suppressed addresses",
        _always("until a user lifts it"),
    ),
    Kept("Messages to destinations, and their answers", "Deliveries", _always(WITH_CONTACT)),
    Kept(
        "What was refused, as it was sent; counts of quality and of senders",
        "Inspector",
        lambda: period(settings.REJECTED_KEPT_DAYS),
        "REJECTED_KEPT_DAYS",
    ),
    Kept(
        "Who did something when, as numbers of contacts, and other figures of the dashboard",
        "Dashboard",
        days(FIGURES),
    ),
    Kept("Which contacts readers have to look at again", "Readers", days(TOUCHED)),
    Kept(
        "What users of the admin changed, and from which address",
        "Audit log",
        lambda: period(settings.AUDIT_KEPT_DAYS),
        "AUDIT_KEPT_DAYS",
    ),
]


def register_kept(*kept: Kept) -> None:
    """Add something that a room above keeps of persons."""
    _KEPT.extend(kept)


def everything_kept() -> Iterable[Kept]:
    """What is kept, in the order in which rooms have said it."""
    return tuple(_KEPT)


def as_markdown() -> str:
    """The table of the documentation."""
    rows = [f"| {one.what} | {one.where or 'no page'} | {one.says} |" for one in _KEPT]
    return "\n".join(["| what | where | how long |", "|---|---|---|", *rows])
