"""What becomes of the events of one request: who did it, what they agreed to, and the log."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from random import SystemRandom
from typing import Any
from uuid import UUID

import msgspec
from django.conf import settings
from django.utils import timezone

from activities.contact_fields import WIRE_NAMES
from activities.drafts import Draft
from activities.inspector import LONGEST_NAME, Refused, keep_refused_activities
from activities.problems import InvalidActivity, Status, printable
from activities.recording import Source, record_for_contacts_soon
from channels.models import Channel
from consents.agreements import Answer, answers_to, is_news, record_agreements
from consents.models import Consent
from consents.permission import Asks, asked_on, find_obstacle
from contacts.erased_names import NameErased
from contacts.identifying import Identity, Known, find_identified, identify, known_of
from contacts.models import Contact
from database.loop import ask_soon, in_thread
from database.memory import ShortMemory
from tracking.commandersact.translation import Event, make_draft, read_identity, read_time
from tracking.models import ConsentCategory, UserProperty
from web.limits import is_within

DOOR = "commandersact"
_random = SystemRandom()
# As objects, what events say may take many times as much, and each event takes about a kilobyte.
_LONGEST_PART = 32 * 1024
_MOST_IN_PART = 500


class Browser(msgspec.Struct, kw_only=True):
    """What sent a request, if it was a web page: its address, and whether it is a known robot."""

    address: str
    is_robot: bool


class Receiver:
    """Takes the events that one request brought for the source `channel`.

    `cookie` is the CAID that came with it, or "". `new_cookie` is the one that the browser should
    get from now on, if any.
    """

    def __init__(
        self, channel: Channel, request_id: UUID, *, cookie: str = "", browser: Browser | None
    ):
        self.channel, self.request_id = channel, request_id
        self.cookie, self.browser = cookie, browser
        self.new_cookie = ""
        self.received_at = timezone.now()
        self._known = Known([])
        self._identities: dict[int, Identity] = {}
        # What this request has told itself: by each name the whole identity, and whose it is.
        self._found: dict[str, tuple[Identity, Contact]] = {}
        self._answers: dict[tuple[int, int], Answer | None] = {}
        self._refused: list[Refused] = []
        self._refused_counts: Counter[Status] = Counter()
        self._refused_kept = 0

    async def receive(self, events: Iterable[Event]) -> None:
        """Record what can be recorded, and keep the rest in the inspector with its reason.

        What one batch brings is recorded at once, unless it is very long: then part by part.
        """
        for part in _parts_of(events):
            await self._receive(part)
            # Before the next part is read.
            part.clear()
        if self._refused:
            await in_thread(keep_refused_activities, self._refused, self._refused_counts)

    async def _keep_refused_so_far(self) -> None:
        """Write what was refused, but the last: with it, the end tells how much more there was."""
        if len(self._refused) < _MOST_IN_PART:
            return
        *refused, last = self._refused
        counts = Counter(one.problem.status for one in refused)
        await in_thread(keep_refused_activities, refused, counts)
        self._refused, self._refused_kept = [last], self._refused_kept + len(refused)
        self._refused_counts -= counts

    async def _receive(self, events: Sequence[Event]) -> None:
        self._identities.clear()
        await self._look_up(events)
        drafts: dict[Contact, list[Draft]] = {}
        for event in events:
            try:
                contact = await self._contact_of(event)
            except InvalidActivity as problem:
                self._refuse(event, problem)
                continue
            except Contact.DoesNotExist:
                # A contact erased meanwhile: its events are dropped, here as below.
                continue
            drafts.setdefault(contact, []).append(self._draft(event, contact))
        await self._keep_refused_so_far()
        source = Source(
            door=DOOR,
            channel=self.channel,
            request_id=self.request_id,
            names_types=DOOR,
            asks=self._asks,
            answers_each=False,
        )
        # A contact erased meanwhile: its events are dropped.
        by_guid = {contact.guid: of_contact for contact, of_contact in drafts.items()}
        await record_for_contacts_soon(by_guid, source=source)

    async def _look_up(self, events: Iterable[Event]) -> None:
        """Ask at once for everybody whom the events name, and for what they have agreed to."""
        self._mapping = await _mappings.find("") or {}
        self._categories = await _categories.find(self.channel.pk) or {}
        identities = {one for one in map(self._identity_in, events) if not one.is_empty}
        if not identities:
            return
        (self._known,) = await ask_soon(known_of(identities, site_id=self.channel.site_id))
        people = {
            contact.pk for one in identities if (contact := self._known.find_usual(one)) is not None
        }
        if people and self._categories:
            await self._ask_for_answers(people, self._categories)

    async def _ask_for_answers(self, people: Iterable[int], consents: Collection[Consent]) -> None:
        asked = {(person, consent.pk) for person in people for consent in consents}
        if missing := asked - self._answers.keys():
            (answers,) = await ask_soon(answers_to(missing))
            self._answers |= dict.fromkeys(missing, None) | answers

    def _identity_in(self, event: Event) -> Identity:
        if id(event) not in self._identities:
            site_id = self.channel.site_id
            self._identities[id(event)] = read_identity(event, site_id=site_id, cookie=self.cookie)
        return self._identities[id(event)]

    async def _contact_of(self, event: Event) -> Contact:
        """Who did it, after the ledger has what they agreed to.

        :raises InvalidActivity: if it is not to be recorded for anybody
        """
        if event.problem:
            raise event.problem
        identity = self._identity_in(event)
        answers = self._answers_in(event)
        if self._has_category and asked_on(self.channel, self._asks) is Asks.AGREEMENT:
            await self._require_agreement(identity, answers, event)
        if identity.is_empty:
            identity = await self._newcomer()
        contact = await self._identify(identity)
        await self._note_answers(contact, answers, event)
        return contact

    @property
    def _asks(self) -> Asks:
        """What is asked of users: in browsers, the agreement that events of this source tell of."""
        if self.browser is None:
            return Asks.NOTHING
        return Asks.AGREEMENT if self._has_category else Asks.NO_REVOCATION

    @property
    def _has_category(self) -> bool:
        """Whether events of this source say what users answer to the tracking consent."""
        return self.channel.tracking_consent in self._categories

    async def _require_agreement(
        self, identity: Identity, answers: dict[Consent, bool], event: Event
    ) -> None:
        """Make sure that the user agrees to be tracked, by this event or since an earlier one.

        :raises InvalidActivity: if they have not
        """
        consent = self.channel.tracking_consent
        assert consent is not None
        contact = None if identity.is_empty else await self._find(identity)
        if contact and not answers:
            await self._ask_for_answers([contact.pk], [consent])
            last = self._answers[contact.pk, consent.pk]
            has_agreed = last is not None and last.agreed
        else:
            has_agreed = answers.get(consent, False)
        if find_obstacle(self.channel, has_agreed, asks=self._asks):
            if contact:
                await self._note_answers(contact, answers, event)
            raise InvalidActivity(
                "not_agreed",
                "user.consent_categories",
                "The user has not agreed to what the tracking consent stands for.",
                Status.FILTERED,
                is_untracked=True,
            )

    async def _find(self, identity: Identity) -> Contact | None:
        """Whom the identity names by now, if anybody; nobody is made."""
        return self._recall(identity) or await in_thread(find_identified, identity)

    async def _identify(self, identity: Identity) -> Contact:
        """Whom the identity names; they are made now if there was nobody."""
        if contact := self._recall(identity):
            return contact
        try:
            contact = await in_thread(identify, identity)
        except NameErased:
            raise InvalidActivity(
                "erased",
                "user",
                "The event names a person who was erased.",
                Status.FILTERED,
                is_untracked=True,
            ) from None
        self._found.update(dict.fromkeys(_names_in(identity), (identity, contact)))
        return contact

    def _recall(self, identity: Identity) -> Contact | None:
        """Whom the identity names, if that is known without asking.

        What one event has told is true until another says something else of it.
        """
        told = [self._found.get(name) for name in _names_in(identity)]
        if not any(told):
            return self._known.find_usual(identity)
        if told[0] and all(one and one[0] == identity for one in told):
            return told[0][1]
        return None

    async def _newcomer(self) -> Identity:
        """A browser that is seen for the first time, and gets a cookie."""
        if self.browser is None:
            raise InvalidActivity(
                "no_identity",
                "user",
                "The event names nobody. Send user.consistent_anonymous_id, user.id or user.email.",
            )
        if self.browser.is_robot:
            detail = "A known robot is nobody's contact."
            raise InvalidActivity("robot", "", detail, Status.FILTERED)
        if not self.new_cookie:
            limit = settings.NEW_CONTACTS_PER_SITE_AND_ADDRESS_PER_HOUR
            bucket = f"new-caids:{self.channel.pk}:{self.browser.address}"
            if not await in_thread(is_within, limit, seconds=3600, bucket=bucket):
                raise InvalidActivity(
                    "too_many_visitors",
                    "",
                    f"More than {limit:,} new visitors came from one address within an hour.",
                    Status.FILTERED,
                )
            self.new_cookie = make_caid(self.received_at)
        return Identity(site_id=self.channel.site_id, anonymous_ids=(self.new_cookie,))

    def _draft(self, event: Event, contact: Contact) -> Draft:
        draft = make_draft(event, self._mapping, self.received_at)
        leave_out_known(draft, contact)
        draft.context = self._context_of(event)
        return draft

    def _context_of(self, event: Event) -> dict[str, Any]:
        """What is needed to read an event again."""
        kind = "pixel" if event.texts_only else "event"
        return {"kind": kind, "browser": self.browser is not None}

    def _refuse(self, event: Event, problem: InvalidActivity) -> None:
        """Note that `event` is for the inspector: one batch can have very many of these."""
        self._refused_counts[problem.status] += 1
        if self._refused_kept + len(self._refused) >= settings.REJECTED_KEPT_PER_REQUEST:
            return
        refused = Refused(
            problem=problem.with_traceback(None),
            door=DOOR,
            request_id=self.request_id,
            payload=event.payload,
            payload_length=len(event.payload),
            channel=self.channel,
            test_code=event.test_code,
            named=printable(event.name, LONGEST_NAME) if isinstance(event.name, str) else "",
            context=self._context_of(event),
            at=self.received_at,
        )
        self._refused.append(refused)

    def _answers_in(self, event: Event) -> dict[Consent, bool]:
        given = event.consent_categories
        if given is None:
            return {}
        return {consent: bool(own & given) for consent, own in self._categories.items()}

    async def _note_answers(
        self, contact: Contact, answers: dict[Consent, bool], event: Event
    ) -> None:
        """Add to the ledger what has changed since the last answer; the latest answer counts."""
        if not answers:
            return
        at = self._time_of(event)
        await self._ask_for_answers([contact.pk], answers)
        news = {
            consent: agreed
            for consent, agreed in answers.items()
            if is_news(Answer(agreed, at), self._answers[contact.pk, consent.pk])
        }
        if not news:
            return
        recorded = await in_thread(
            record_agreements,
            [contact],
            news,
            channel=self.channel,
            request_id=self.request_id,
            came_by="Consent categories of an event in Commanders Act format",
            at=at,
            only_news=True,
        )
        for one in recorded:
            self._answers[contact.pk, one.consent_id] = Answer(one.agreed, one.at)

    def _time_of(self, event: Event) -> datetime:
        time, _ = read_time(event, self.received_at)
        return min(time, self.received_at) if isinstance(time, datetime) else self.received_at


def leave_out_known(draft: Draft, contact: Contact) -> None:
    """Have `draft` say nothing about `contact` that is known: that is no work for anybody.

    Most events repeat it.
    """
    draft.contact_fields = {
        name: value
        for name, value in draft.contact_fields.items()  # type: ignore[attr-defined]
        if value != str(getattr(contact, WIRE_NAMES[name]) or "")
    } or None


def mapping_of_properties() -> dict[str, str]:
    """The contact fields that user properties stand for."""
    return _read_mapping("")


def _parts_of(events: Iterable[Event]) -> Iterator[list[Event]]:
    """`events` in parts, each of which takes little memory."""
    part: list[Event] = []
    length = 0
    for event in events:
        length += len(event.payload)
        if part and (length > _LONGEST_PART or len(part) == _MOST_IN_PART):
            yield part
            part, length = [], len(event.payload)
        part.append(event)
    if part:
        yield part


def _names_in(identity: Identity) -> list[str]:
    return [*identity.browsers, *identity.keys.values()]


def _read_mapping(_: str) -> dict[str, str]:
    return dict(UserProperty.objects.order_by("pk").values_list("name", "contact_field"))


def _read_categories(channel_id: int) -> dict[Consent, set[str]]:
    """The categories that stand for each consent on this channel."""
    categories: dict[Consent, set[str]] = {}
    for row in ConsentCategory.objects.filter(channel=channel_id).select_related("consent"):
        categories.setdefault(row.consent, set()).add(row.category)
    return categories


_mappings = ShortMemory(_read_mapping)
_categories = ShortMemory(_read_categories)


def make_caid(now: datetime) -> str:
    """A new CAID, the id of a browser: the time to the second, and random digits."""
    return f"{now:%Y%m%d%H%M%S}{_random.randrange(10**12):012}"
