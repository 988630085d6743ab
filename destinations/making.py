"""Deliveries are made: of what happened to contacts, for the destinations that are told of it."""

import logging
from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from contacts.models import Contact
from contacts.resolving import live_of
from database.lookups import Among
from database.questions import Question, ask, nothing
from destinations.adding import Row, insert
from destinations.facts import Fact
from destinations.kinds import kind_of
from destinations.meaning import NOT_MEANT, meant_by
from destinations.messages import Message
from destinations.models import Destination
from destinations.permission import ERASED, obstacles_to
from destinations.telling import contact_for, data_for, fields_in, hashes_of
from groups.locks import lock_contacts
from groups.trees import InvalidRule

_log = logging.getLogger(__name__)

DRY = "Dry mode: nothing was sent."
_IT_WOULD_FAIL = "{} It would fail: {}"
_UNREADABLE_RULE = "The rule of the destination cannot be read: {}"
_CANNOT_BE_WRITTEN = "The message cannot be written in the format of the destination: {}"
_A_MISTAKE = "this is a mistake of the hub, and its log says more."

Wanted = Sequence[tuple[Destination, Sequence[Fact]]]
# The id of a destination, and the source of a fact.
Told = tuple[int, str]


def add_deliveries(wanted: Wanted) -> dict[Told, str]:
    """Make a delivery of each fact to its destination; return why some do not go out.

    Each reason is a sentence. A fact makes no delivery if its contact was erased, or if the
    destination was told before, has a rule that does not hold, or may have nothing of what it says.
    It makes one that is skipped if the permission is missing, or in dry mode.

    Call it inside a transaction. It locks the contacts. The number of queries is the same for any
    number of facts, and of destinations without a rule.
    """
    live = _lock_live({fact.contact_id for _, facts in wanted for fact in facts})
    about = {
        destination: {live[fact.contact_id].pk for fact in facts if fact.contact_id in live}
        for destination, facts in wanted
    }
    refused = obstacles_to(about)
    hashing = [facts for one, facts in wanted if one.email == Destination.Email.SHA256]
    hashes = hashes_of(fact for facts in hashing for fact in facts)
    rows: list[Row] = []
    not_sent: dict[Told, str] = {}
    for destination, facts in wanted:
        making = _Making(destination, refused[destination], hashes, about[destination])
        for fact in facts:
            contact = live.get(fact.contact_id)
            row = making.row(fact, contact) if contact else None
            if row:
                rows.append(row)
            if reason := (row.reason if row else making.why_none(contact)):
                not_sent[destination.pk, fact.source] = reason
    insert(rows)
    return not_sent


def _lock_live(contact_ids: Collection[int]) -> dict[int, Contact]:
    """The live contacts that these have become, by the ids asked for; erased ones are left out.

    Until the transaction ends, none of them is erased. A merge does not wait: this transaction has
    its id before it looks, so the rows that it adds are moved when the merge is settled.
    """
    while True:
        savepoint = transaction.savepoint()
        first = Question("SELECT pg_current_xact_id()", [], nothing)
        _, live = ask(first, live_of(contact_ids))
        lock_contacts(sorted(set(live.values())))
        contacts = Contact.objects.filter(Among("pk", set(live.values()))).in_bulk()
        if all(contact.merged_into_id is None for contact in contacts.values()):
            transaction.savepoint_commit(savepoint)
            return {asked: contacts[key] for asked, key in live.items() if key in contacts}
        # One of them was merged while we waited.
        transaction.savepoint_rollback(savepoint)


class _Making:
    """Makes the deliveries of one destination."""

    def __init__(
        self,
        destination: Destination,
        refused: Mapping[int, str],
        hashes: Mapping[str, str],
        contact_ids: Collection[int],
    ):
        self._destination, self._refused, self._hashes = destination, refused, hashes
        self._kind = kind_of(destination)
        self._meant, self._unreadable = contact_ids, ""
        try:
            self._meant = meant_by(destination, contact_ids)
        except InvalidRule as error:
            self._unreadable = _UNREADABLE_RULE.format(error)

    def row(self, fact: Fact, contact: Contact) -> Row | None:
        """The delivery that tells a fact, or None if there is to be none."""
        if contact.pk not in self._meant:
            return None
        data = data_for(self._destination, fact, self._hashes)
        if data is None:
            return None
        row = Row(self._destination.pk, fact.kind, fact.source, contact.pk, fact.at)
        if reason := self._unreadable or self._refused.get(contact.pk):
            row.skip(reason)
            return row
        told = contact_for(self._destination, contact)
        self._write(row, Message(UUID(row.message_id), fact.kind, fact.at, told, data))
        return row

    def why_none(self, contact: Contact | None) -> str:
        """Why a fact about this contact makes no delivery; "" if nothing of it may go out."""
        if contact is None:
            return ERASED
        return "" if contact.pk in self._meant else NOT_MEANT

    def _write(self, row: Row, message: Message) -> None:
        try:
            payload = self._kind.payload(self._destination, message)
        except ValueError as error:
            row.fail(_CANNOT_BE_WRITTEN.format(error))
            return
        except Exception:  # of one message: the others must not wait for it
            _log.exception("A message to destination %s cannot be written.", self._destination.pk)
            row.fail(_CANNOT_BE_WRITTEN.format(_A_MISTAKE))
            return
        row.payload = payload
        row.contact_fields = fields_in(payload, self._destination, message.contact, message.data)
        if self._destination.dry:
            why_not = self._kind.why_not(payload, message.at, timezone.now())
            row.skip(_IT_WOULD_FAIL.format(DRY, why_not) if why_not else DRY)
