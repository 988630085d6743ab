"""What becomes of the events of one request: who did it, what they agreed to, and the log."""

from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from functools import cached_property
from random import SystemRandom
from uuid import UUID

import msgspec
from django.conf import settings
from django.utils import timezone

from activities.contact_fields import WIRE_NAMES
from activities.drafts import Draft
from activities.inspector import Refused, keep_refused_activities
from activities.problems import InvalidActivity, Status
from activities.recording import Source, record_activities, record_for_several
from channels.models import Channel
from consents.agreements import is_agreed, last_answers, record_agreement
from consents.models import Consent
from contacts.identifying import Identity, find_identified, identify
from contacts.models import Contact
from contacts.resolving import UnknownContact
from tracking.commandersact.translation import Event, make_draft, read_identity
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
        self._found: dict[str, tuple[Identity, Contact]] = {}
        self._refused: list[Refused] = []
        self._refused_counts: Counter[Status] = Counter()

    def receive(self, events: Iterable[Event]) -> None:
        """Record what can be recorded, and keep the rest in the inspector with its reason."""
        drafts: dict[Contact, list[Draft]] = {}
        for event in events:
            try:
                contact = self._contact_of(event)
            except InvalidActivity as problem:
                self._refuse(event, problem)
                continue
            drafts.setdefault(contact, []).append(self._draft(event, contact))
        if self._refused:
            keep_refused_activities(self._refused, self._refused_counts)
        source = Source(
            door=DOOR,
            channel=self.channel,
            request_id=self.request_id,
            names_types=DOOR,
            from_browser=self.browser is not None,
        )
        # Who is erased in this moment is nobody whose events were to be kept.
        if len(drafts) == 1:
            # One person's events share their commit with other requests.
            ((contact, of_contact),) = drafts.items()
            with suppress(UnknownContact):
                record_activities(of_contact, contact_guid=contact.guid, source=source)
        else:
            by_guid = {contact.guid: of_contact for contact, of_contact in drafts.items()}
            record_for_several(by_guid, source=source)

    def _contact_of(self, event: Event) -> Contact:
        """Who did it, after the ledger has what they agreed to.

        :raises InvalidActivity: if it is not to be recorded for anybody
        """
        if event.problem:
            raise event.problem
        identity = read_identity(event, site_id=self.channel.site_id, cookie=self.cookie)
        answers = self._answers_in(event)
        if self._asks_for_agreement():
            self._require_agreement(identity, answers, event)
        if identity.is_empty:
            identity = self._newcomer()
        contact = self._identify(identity)
        self._note_answers(contact, answers, event)
        return contact

    def _asks_for_agreement(self) -> bool:
        """Whether the tracking consent has a category here, and it is for us to ask for it."""
        is_ours_to_ask = self.browser is not None or self.channel.enforce_consent
        consent = self.channel.tracking_consent
        return is_ours_to_ask and consent is not None and consent in self._categories

    def _require_agreement(
        self, identity: Identity, answers: dict[Consent, bool], event: Event
    ) -> None:
        """Make sure that the user agrees to be tracked, by this event or since an earlier one.

        :raises InvalidActivity: if they have not
        """
        consent = self.channel.tracking_consent
        assert consent is not None
        contact = None if identity.is_empty else find_identified(identity)
        if contact and not answers:
            has_agreed = is_agreed(contact, consent)
        else:
            has_agreed = answers.get(consent, False)
        if not has_agreed:
            if contact:
                self._note_answers(contact, answers, event)
            raise InvalidActivity(
                "not_agreed",
                "user.consent_categories",
                "The user has not agreed to what the tracking consent stands for.",
                Status.FILTERED,
            )

    def _identify(self, identity: Identity) -> Contact:
        """Who it is; what one event has told is true until another says something else of it."""
        named = (*identity.browsers, *identity.keys.values())
        known = [self._found.get(value) for value in named]
        if known[0] and all(one and one[0] == identity for one in known):
            return known[0][1]
        found = identity, identify(identity)
        self._found.update(dict.fromkeys(named, found))
        return found[1]

    def _newcomer(self) -> Identity:
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
            if not is_within(limit, seconds=3600, bucket=bucket):
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
        # What somebody does who is not to be tracked is kept nowhere, in the inspector neither.
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

    @cached_property
    def _mapping(self) -> dict[str, str]:
        return dict(UserProperty.objects.order_by("pk").values_list("name", "contact_field"))

    @cached_property
    def _categories(self) -> dict[Consent, set[str]]:
        """The categories that stand for each consent on this channel."""
        categories: dict[Consent, set[str]] = {}
        rows = ConsentCategory.objects.filter(channel=self.channel).select_related("consent")
        for row in rows:
            categories.setdefault(row.consent, set()).add(row.category)
        return categories

    def _answers_in(self, event: Event) -> dict[Consent, bool]:
        given = event.consent_categories
        if given is None:
            return {}
        return {consent: bool(own & given) for consent, own in self._categories.items()}

    def _note_answers(self, contact: Contact, answers: dict[Consent, bool], event: Event) -> None:
        """Add to the ledger what has changed since the last answer; the latest answer counts."""
        if not answers:
            return
        at = self._time_of(event)
        known = last_answers([(contact.pk, consent.pk) for consent in answers])
        for consent, agreed in answers.items():
            last = known.get((contact.pk, consent.pk))
            if last and last.at >= at:
                continue
            if agreed != (last is not None and last.agreed):
                record_agreement(
                    contact,
                    consent,
                    agreed=agreed,
                    channel=self.channel,
                    request_id=self.request_id,
                    at=at,
                )

    def _time_of(self, event: Event) -> datetime:
        time = make_draft(event, {}, self.received_at).occurred_at
        return min(time, self.received_at) if isinstance(time, datetime) else self.received_at


def make_caid(now: datetime) -> str:
    """A new CAID, the id of a browser: the time to the second, and random digits."""
    return f"{now:%Y%m%d%H%M%S}{_random.randrange(10**12):012}"
