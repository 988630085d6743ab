"""Data input: what contacts say about themselves becomes their fields, in the order it came."""

from collections.abc import Collection, Iterable
from datetime import datetime
from itertools import groupby

from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from activities.models import DataInput
from contacts.apart import Pairs, pairs_kept_apart
from contacts.changes import Changes, Origin, create_contacts
from contacts.erased_names import are_erased
from contacts.merging import carry_out_merges, lock_all_live, request_merges, settle_merges
from contacts.models import Contact, ContactChange, ContactMerge
from contacts.profile import fit_state, from_text
from contacts.resolving import owners_of
from contacts.touching import touch
from database.cursors import array_of
from database.lookups import Among
from database.outages import is_conflict
from database.questions import ask
from jobs.working import stopping

_OUTCOME = DataInput.Outcome
# Times take Django longest, and are not needed.
_READ = ("contact", "activity", "fields", "sent_by", "attempts", "detail")
_APPLY = """
UPDATE activities_datainput AS data_input
SET outcome = done.outcome, detail = done.detail, applied_at = %s, attempts = 0, last_error = ''
FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS done (id, outcome, detail)
WHERE data_input.id = done.id
"""


_GIVE_ACTIVITIES = """
UPDATE activities_activity AS activity SET contact_id = given.contact_id
FROM unnest(%s::bigint[], %s::bigint[]) AS given (activity_id, contact_id)
WHERE activity.id = given.activity_id
"""
_REDIRECT = """
UPDATE activities_datainput AS data_input
SET sent_by_id = data_input.contact_id, contact_id = given.contact_id
FROM unnest(%s::bigint[], %s::bigint[]) AS given (id, contact_id)
WHERE data_input.id = given.id
"""


def apply_data_inputs(keys: Collection[int]) -> None:
    """Apply these data inputs, and those of the same contacts that are older.

    The rules: an email, once known, is never changed by data input. Fields that come with a
    different email go to the contact who has that one, or to a new contact. A contact without an
    email who gives the email of another is merged with that one first, unless a user keeps the two
    apart: then it is another person's email.
    """
    waiting = DataInput.objects.filter(Among("pk", keys), outcome=_OUTCOME.PENDING)
    columns = ("activity_id", "contact_id", "contact__merged_into")
    asked = list(waiting.order_by("activity_id").values_list(*columns))
    _settle_merges_of({contact_id for _, contact_id, survivor_id in asked if survivor_id})
    contact_ids = {contact_id for _, contact_id, _ in asked}
    newest = max((activity_id for activity_id, _, _ in asked), default=0)
    while contact_ids and not stopping.is_set():
        contact_ids = _apply_round(contact_ids, keys, newest)


def apply_data_inputs_of(contact_id: int) -> None:
    """Apply all that waits of this contact."""
    waiting = DataInput.objects.filter(contact_id=contact_id, outcome=_OUTCOME.PENDING)
    apply_data_inputs(list(waiting.values_list("pk", flat=True)))


def _apply_round(contact_ids: set[int], keys: Collection[int], newest: int) -> set[int]:
    """Apply what can be applied now; return the contacts who need another round."""
    for attempts_left in (2, 1, 0):
        try:
            with transaction.atomic():
                round_ = _Round(contact_ids, keys, newest)
                round_.play()
            break
        except (IntegrityError, OperationalError) as error:
            # one_live_contact_per_email: a request got it just now; or each has what the other
            # wants, and PostgreSQL has chosen this one to begin anew.
            is_about_others = isinstance(error, IntegrityError) or is_conflict(error)
            if not attempts_left or not is_about_others:
                raise
    carry_out_merges(round_.merges)
    return round_.unfinished


class _Round:
    """What waits of some contacts, as far as one transaction can apply it.

    A contact that has to be merged first needs another round, and so does one that gets what
    another contact has sent.
    """

    def __init__(self, contact_ids: set[int], keys: Collection[int], newest: int):
        live = lock_all_live(contact_ids)
        # Once no other worker is at these contacts: times follow the order of applying.
        self._at = timezone.now()
        self._contacts = {contact.pk: contact for contact in live.values()}
        # One that failed waits for its next attempt; younger ones do not wait for it.
        due = Q(attempts=0) | Q(Among("pk", keys))
        waiting = _pending(self._contacts).filter(due, activity_id__lte=newest)
        self._waiting = list(waiting.only(*_READ).order_by("contact_id", "activity_id"))
        self._newer = _names_given_later([one for one in self._waiting if one.attempts])
        emails = {one.fields["email"] for one in self._waiting if one.fields.get("email")}
        self._keys, self._owners = {}, {}
        for email, (key, owner_id) in ask(owners_of(emails))[0].items():
            self._keys[email], self._owners[key] = key, owner_id
        self._drop_erased()
        self._apart = self._who_is_kept_apart()
        self._changes = Changes(at=self._at)
        self._applied: list[DataInput] = []
        # By the key of an email that nobody has, the data input that makes a contact of it.
        self._newcomers: dict[str, DataInput] = {}
        # Data inputs that go to the contact who has an email, and contacts to merge with that one.
        self._redirected: list[tuple[DataInput, str]] = []
        self._merging: list[tuple[Contact, str]] = []
        self.merges: list[int] = []
        self.unfinished: set[int] = set()

    def _drop_erased(self) -> None:
        """Forget what was recorded before the person was erased whose email it gives."""
        new = [email for email, key in self._keys.items() if self._owners[key] is None]
        erased = set(are_erased(emails=new).emails) if new else set()
        dropped = [one for one in self._waiting if one.fields.get("email") in erased]
        if not erased or not dropped:
            return
        self._waiting = [one for one in self._waiting if one not in dropped]
        DataInput.objects.filter(pk__in=[one.pk for one in dropped]).update(
            fields={},
            detail="It gave the email of a person who was erased, and was not applied.",
            outcome=_OUTCOME.APPLIED,
            applied_at=self._at,
            attempts=0,
            last_error="",
        )

    def play(self) -> None:
        """Decide about each data input in turn, and write what came of it.

        A worker that is told to end leaves the other contacts to the next one.
        """
        for contact_id, inputs in groupby(self._waiting, lambda one: one.contact_id):
            if stopping.is_set():
                break
            self._play_for(self._contacts[contact_id], inputs)
        self._create_newcomers()
        self._redirect()
        self._ask_to_merge()
        self._changes.write()
        _write_applied(self._applied, self._at)

    def _play_for(self, contact: Contact, inputs: Iterable[DataInput]) -> None:
        for data_input in inputs:
            key = self._keys.get(data_input.fields.get("email", ""))
            owner_id = self._owners.get(key) if key else None
            is_known = owner_id is not None or key in self._newcomers
            if not key or owner_id == contact.pk or not (is_known or contact.email):
                self._fill(contact, data_input)
                if key and not owner_id:
                    self._owners[key] = contact.pk
            elif contact.email or self._is_apart(contact, owner_id):
                if not is_known:
                    self._newcomers[key] = data_input
                self._redirected.append((data_input, key))
            else:
                self._merging.append((contact, key))
                return

    def _who_is_kept_apart(self) -> Pairs:
        """The pairs that are kept apart, of those who might have to be merged."""
        nameless = {pk for pk, contact in self._contacts.items() if not contact.email}
        giving = {one.contact_id for one in self._waiting if one.fields.get("email")}
        if not giving & nameless:
            return set()
        return pairs_kept_apart(giving | {pk for pk in self._owners.values() if pk is not None})

    def _is_apart(self, contact: Contact, owner_id: int | None) -> bool:
        return owner_id is not None and frozenset((contact.pk, owner_id)) in self._apart

    def _fill(self, contact: Contact, data_input: DataInput) -> None:
        newer = self._newer.get(data_input.pk, ())
        fields = {
            name: from_text(name, value)
            for name, value in data_input.fields.items()
            if name not in newer
        }
        if contact.email:
            fields.pop("email", None)  # it is theirs, perhaps in another spelling
        if left_out := fit_state(fields, contact.country):
            data_input.detail = f"The state {left_out} was left out: the contact is not in the USA."
        self._changes.add(contact, fields, _origin(data_input))
        data_input.outcome = _OUTCOME.REDIRECTED if data_input.sent_by_id else _OUTCOME.APPLIED
        self._applied.append(data_input)

    def _create_newcomers(self) -> None:
        if self._newcomers:
            given = [
                ({"email": data_input.fields["email"]}, _origin(data_input))
                for data_input in self._newcomers.values()
            ]
            for key, contact in zip(self._newcomers, create_contacts(given), strict=True):
                self._owners[key] = contact.pk

    def _redirect(self) -> None:
        """Give these to the contacts who have the emails, in whose order they then are."""
        if not self._redirected:
            return
        data_inputs = [data_input for data_input, _ in self._redirected]
        owner_ids = [self._owner_with(key) for _, key in self._redirected]
        owners = array_of(owner_ids)
        with connection.cursor() as cursor:
            activities = array_of(one.activity_id for one in data_inputs)
            cursor.execute(_GIVE_ACTIVITIES, [activities, owners])
            cursor.execute(_REDIRECT, [array_of(one.pk for one in data_inputs), owners])
        touch(*dict.fromkeys([*(one.contact_id for one in data_inputs), *owner_ids]))
        self.unfinished.update(owner_ids)

    def _ask_to_merge(self) -> None:
        if self._merging:
            pairs = [(self._owner_with(key), contact.pk) for contact, key in self._merging]
            self.merges += request_merges(pairs, ContactMerge.Reason.SAME_EMAIL).values()
            self.unfinished.update(contact.pk for contact, _ in self._merging)

    def _owner_with(self, key: str) -> int:
        owner_id = self._owners[key]
        assert owner_id is not None
        return owner_id


def _origin(data_input: DataInput) -> Origin:
    return Origin(ContactChange.Source.DATA_INPUT, activity_id=data_input.activity_id)


def _pending(contact_ids: Collection[int]) -> QuerySet[DataInput]:
    return DataInput.objects.filter(Among("contact", contact_ids), outcome=_OUTCOME.PENDING)


def _names_given_later(failed: Iterable[DataInput]) -> dict[int, set[str]]:
    """The fields that each of these must leave alone, as its contact has given them again since."""
    return {
        one.pk: {
            name
            for fields in DataInput.objects.filter(
                contact_id=one.contact_id, activity_id__gt=one.activity_id
            )
            .exclude(outcome=_OUTCOME.PENDING)
            .values_list("fields", flat=True)
            for name in fields
        }
        for one in failed
    }


def _settle_merges_of(merged_ids: Collection[int]) -> None:
    """Give survivors what was recorded for these contacts while those were being merged."""
    if merged_ids:
        done = ContactMerge.objects.filter(status=ContactMerge.Status.DONE, is_settled=False)
        settle_merges(list(done.filter(loser__in=merged_ids).values_list("pk", flat=True)))


def _write_applied(data_inputs: list[DataInput], at: datetime) -> None:
    if not data_inputs:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            _APPLY,
            [
                at,
                array_of(one.pk for one in data_inputs),
                [one.outcome for one in data_inputs],
                [one.detail for one in data_inputs],
            ],
        )
