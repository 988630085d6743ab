"""What becomes of the events of one request: who did it, what they agreed to, and the log."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from random import SystemRandom
from uuid import UUID

import msgspec
from django.conf import settings
from django.utils import timezone

from activities.contact_fields import WIRE_NAMES
from activities.drafts import Draft
from activities.inspector import Refused, keep_refused_activities
from activities.problems import InvalidActivity, Status
from activities.recording import Source, record_for_several_soon
from channels.models import Channel
from consents.agreements import Answer, answers_to, record_agreement
from consents.models import Consent
from contacts.identifying import Identity, Known, find_identified, identify, known_of
from contacts.models import Contact
from database.loop import ask_soon, in_thread
from database.memory import ShortMemory
from tracking.commandersact.translation import Event, make_draft, read_identity, read_time
from tracking.models import ConsentCategory, UserProperty
from web.limits import is_within

DOOR = "commandersact"
_random = SystemRandom()


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

    async def receive(self, events: Sequence[Event]) -> None:
        """Record what can be recorded, and keep the rest in the inspector with its reason."""
        await self._look_up(events)
        drafts: dict[Contact, list[Draft]] = {}
        for event in events:
            try:
                contact = await self._contact_of(event)
            except InvalidActivity as problem:
                self._refuse(event, problem)
                continue
            drafts.setdefault(contact, []).append(self._draft(event, contact))
        if self._refused:
            await in_thread(keep_refused_activities, self._refused, self._refused_counts)
        source = Source(
            door=DOOR,
            channel=self.channel,
            request_id=self.request_id,
            names_types=DOOR,
            from_browser=self.browser is not None,
            answers_each=False,
        )
        # A contact erased meanwhile: its events are dropped.
        by_guid = {contact.guid: of_contact for contact, of_contact in drafts.items()}
        await record_for_several_soon(by_guid, source=source)

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
        if self._asks_for_agreement():
            await self._require_agreement(identity, answers, event)
        if identity.is_empty:
            identity = await self._newcomer()
        contact = await self._identify(identity)
        await self._note_answers(contact, answers, event)
        return contact

    def _asks_for_agreement(self) -> bool:
        """Whether the tracking consent has a category here, and it is for us to ask for it."""
        is_ours_to_ask = self.browser is not None or self.channel.enforce_consent
        consent = self.channel.tracking_consent
        return is_ours_to_ask and consent is not None and consent in self._categories

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
        if not has_agreed:
            if contact:
                await self._note_answers(contact, answers, event)
            raise InvalidActivity(
                "not_agreed",
                "user.consent_categories",
                "The user has not agreed to what the tracking consent stands for.",
                Status.FILTERED,
            )

    async def _find(self, identity: Identity) -> Contact | None:
        """Whom the identity names by now, if anybody; nobody is made."""
        return self._recall(identity) or await in_thread(find_identified, identity)

    async def _identify(self, identity: Identity) -> Contact:
        """Whom the identity names; they are made now if there was nobody."""
        if contact := self._recall(identity):
            return contact
        contact = await in_thread(identify, identity)
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
        # Most events repeat what is known by now: that is no work for anybody.
        draft.contact_fields = {
            name: value
            for name, value in draft.contact_fields.items()  # type: ignore[attr-defined]
            if value != str(getattr(contact, WIRE_NAMES[name]) or "")
        } or None
        return draft

    def _refuse(self, event: Event, problem: InvalidActivity) -> None:
        """Note that `event` is for the inspector: one batch can have very many of these."""
        self._refused_counts[problem.status] += 1
        if len(self._refused) >= settings.REJECTED_KEPT_PER_REQUEST:
            return
        # Nothing is kept of a visitor who must not be tracked, not even in the inspector.
        payload = b"" if problem.code == "not_agreed" else event.payload
        refused = Refused(
            problem=problem.with_traceback(None),
            door=DOOR,
            request_id=self.request_id,
            payload=payload,
            payload_length=len(event.payload),
            channel=self.channel,
            test_code=event.test_code,
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
        for consent, agreed in answers.items():
            last = self._answers[contact.pk, consent.pk]
            if last and last.at >= at:
                continue
            if agreed != (last is not None and last.agreed):
                await in_thread(
                    record_agreement,
                    contact,
                    consent,
                    agreed=agreed,
                    channel=self.channel,
                    request_id=self.request_id,
                    at=at,
                )
                self._answers[contact.pk, consent.pk] = Answer(agreed, at)

    def _time_of(self, event: Event) -> datetime:
        time, _ = read_time(event, self.received_at)
        return min(time, self.received_at) if isinstance(time, datetime) else self.received_at


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
