"""Who a browser is: the contact behind its cookies, on the main site and on tracked sites."""

from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID, uuid4

from django.db import DEFAULT_DB_ALIAS, transaction
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.crypto import salted_hmac

from channels.models import Channel
from consents.agreements import Answer, answers_to
from consents.permission import (
    SAYS,
    Asks,
    Obstacle,
    find_obstacle,
    is_revoked,
    level_of,
    may_join,
)
from contacts.changes import create_anonymous
from contacts.erased_names import are_erased
from contacts.merging import CannotMerge, choose_survivor, request_merge
from contacts.models import Contact, ContactMerge
from contacts.resolving import get_live_contact
from crosssite import cookies
from crosssite.models import SiteContact, TrackedSite
from database.cursors import array_of
from database.loop import ask_soon, in_thread
from database.questions import Question
from web.requests import Request


@dataclass
class Visitor:
    """One browser on one website: the main site of `channel`, or one of its tracked sites.

    `contact` is None as long as nobody had a reason to make one. `others` are contacts that the
    same browser is known as elsewhere, and that are to become one with it. Of these contacts only
    ids and GUIDs are read before they are asked for more.
    """

    channel: Channel
    site: TrackedSite | None
    contact: Contact | None = None
    others: list[Contact] = field(default_factory=list)
    level: int | None = None
    # Whether the cookie of the main site tells who this is, rather than the one of tracked sites.
    is_known_by_main_site: bool = False
    # Which browser this is across tracked sites, if it was seen on another one.
    browser: UUID | None = None
    # Whether it sends a signal against tracking.
    asks_not_to_be_tracked: bool = False
    # What its requests have in common while it has no contact yet.
    newcomer: UUID | None = None
    # The last answer to the channel's tracking consent of all contacts of this browser: a
    # revocation anywhere holds here.
    answer: Answer | None = None

    @property
    def has_agreed(self) -> bool | None:
        """The last answer to the channel's tracking consent; None if none was given."""
        return self.answer.agreed if self.answer else None

    def note_answer(self, *, agreed: bool) -> None:
        """Go on with this answer to the tracking consent, which was recorded just now."""
        self.answer = Answer(agreed, timezone.now())
        if agreed:
            # The level follows, whatever it was before.
            self.level = None

    @property
    def obstacle(self) -> Obstacle | None:
        """Why nothing that this visitor does may be recorded, or None if it may."""
        return find_obstacle(
            self.channel,
            self.has_agreed,
            asks=Asks.AGREEMENT,
            # The cookie of the level is the main site's.
            level=self.level if self.site is None else None,
            opts_out=self.asks_not_to_be_tracked,
        )

    @property
    def may_be_tracked(self) -> bool:
        """Whether consent, cookie level and the browser's wish allow to record what they do."""
        return self.obstacle is None

    @property
    def has_revoked(self) -> bool:
        """Whether this browser took its agreement back; with it, it may have lost its contact."""
        return is_revoked(self.has_agreed, level=self.level, is_known=self.contact is not None)

    @property
    def cookie_level(self) -> int:
        """The cookie level that this browser has, or gets with the next answer."""
        return level_of(self.channel, self.has_agreed, self.level)

    @property
    def contacts(self) -> list[Contact]:
        """Every contact that this browser is."""
        return [contact for contact in (self.contact, *self.others) if contact is not None]


async def recognise(request: Request, channel: Channel, site: TrackedSite | None) -> Visitor:
    """The visitor that the cookies of this request tell of. It makes no contact."""
    visitor = Visitor(channel, site, level=cookies.read_level(request.cookies))
    visitor.newcomer = cookies.read_cookie_test(request.cookies)
    signals = (request.headers.get("sec-gpc"), request.headers.get("dnt"))
    visitor.asks_not_to_be_tracked = "1" in signals
    current, *crossed = (
        cookies.read_guid(request.cookies, name, channel)
        for name in (
            cookies.CURRENT_CONTACT,
            cookies.CROSS_SITE_CONTACT,
            cookies.CROSS_SITE_CONTACT_PARTITIONED,
        )
    )
    found = _Found()
    if guids := {guid for guid in (current, *crossed) if guid}:
        (found,) = await ask_soon(_who_has(guids, channel.tracking_consent_id))
        if len({row.cookie for row in found.rows}) < len(guids):
            question = _who_has(guids, channel.tracking_consent_id, people=_MERGED)
            (found,) = await ask_soon(question)
    crossing, main = found.live(crossed), found.live([current])
    visitor.is_known_by_main_site = site is None or bool(main)
    if site is None or main:
        contacts = [*main, *crossing, *(row.contact for row in found.of(crossing))]
    else:
        visitor.browser, contacts = _on_site(crossing, found, site)
    contacts = list(dict.fromkeys(contacts))
    visitor.contact, visitor.others = next(iter(contacts), None), contacts[1:]
    visitor.answer = found.last_answer(contacts)
    return visitor


async def take_in(visitor: Visitor, contact: Contact) -> None:
    """This browser is `contact`, too: it has arrived from a website where it is."""
    if visitor.contact is None:
        visitor.contact = contact
        if visitor.site is not None:
            await in_thread(appear_on, visitor.site, contact, visitor.browser)
    elif contact not in visitor.contacts:
        visitor.others.append(contact)
    visitor.answer = await find_answer(visitor.channel, visitor.contacts)


async def find_answer(channel: Channel, contacts: Sequence[Contact]) -> Answer | None:
    """The last answer of these contacts to the channel's tracking consent, or None."""
    consent_id = channel.tracking_consent_id
    if consent_id is None:
        return None
    (answers,) = await ask_soon(answers_to([(contact.pk, consent_id) for contact in contacts]))
    return last_of(answers.values())


def last_of(answers: Iterable[Answer]) -> Answer | None:
    """The last of these answers, or None; a yes that counts no more is none."""
    counting = (answer for answer in answers if answer.agreed is not None)
    return max(counting, key=lambda answer: answer.at, default=None)


def ensure_contact(visitor: Visitor) -> Contact:
    """The contact of this visitor, made now if there was none.

    A page that is left at once may send two requests before it has a contact: they make one.
    """
    if visitor.contact is None:
        newcomer = visitor.newcomer or uuid4()
        seed = f"{visitor.channel.guid} {visitor.site and visitor.site.pk} {newcomer}"
        guid = UUID(bytes=salted_hmac("crosssite.newcomer", seed).digest()[:16], version=4)
        if are_erased(guids=[str(guid)]):  # within the minute in which they had come
            guid = uuid4()
        with transaction.atomic():
            contact = create_anonymous(guid)
            visitor.contact = get_live_contact(contact.pk)
            if visitor.site is not None:
                appear_on(visitor.site, visitor.contact, visitor.browser or newcomer)
    return visitor.contact


def appear_on(site: TrackedSite, contact: Contact, browser: UUID | None = None) -> None:
    """Note that a visitor of `site` is `contact`; `browser` if it was seen on another site."""
    SiteContact.objects.get_or_create(
        visitor=browser or uuid4(), tracked_site=site, defaults={"contact": contact}
    )


async def join(visitor: Visitor) -> None:
    """Ask for the contacts of this browser to become one, unless consent was revoked."""
    if visitor.contact is not None and visitor.others and may_join(visitor.has_agreed):
        await in_thread(_ask_to_merge, visitor)


def _ask_to_merge(visitor: Visitor) -> None:
    # One survivor for all of them: a contact can only be about to become one other.
    assert visitor.contact is not None
    survivor = visitor.contact
    for other in visitor.others:
        survivor, _ = choose_survivor(survivor, other)
    for contact in visitor.contacts:
        if contact != survivor:
            # They have become one in the meantime; or a user keeps them apart.
            with suppress(CannotMerge):
                request_merge(survivor=survivor, loser=contact, reason=ContactMerge.Reason.JOURNEY)


def remember(response: cookies.Jar | HttpResponseBase, visitor: Visitor) -> None:
    """Set the cookies by which this visitor is recognised the next time, as far as they agree.

    A visitor who revoked the tracking consent, here or elsewhere, gets the channel's default level.
    """
    if visitor.contact is None:
        return
    if not may_join(visitor.has_agreed):
        cookies.set_level(response, visitor.cookie_level)
        return
    if visitor.has_agreed and visitor.level is None:
        cookies.set_level(response, visitor.cookie_level)
    if not visitor.is_known_by_main_site:
        cookies.set_cross_site_contact(response, visitor.contact, visitor.channel)
        return
    cookies.set_current_contact(response, visitor.contact, visitor.channel)
    if visitor.site is None:
        cookies.delete(response, cookies.CROSS_SITE_CONTACT)
        cookies.delete(response, cookies.CROSS_SITE_CONTACT_PARTITIONED)


class _Row(NamedTuple):
    """A contact in a cookie, and who one of its browsers is on a tracked site, if it is on any.

    `agreed` and `at` are the last answer of that contact, or else of the one in the cookie, to the
    tracking consent, if it gave one.
    """

    cookie: UUID
    owner: int
    guid: UUID
    browser: UUID | None
    site: int | None
    id: int | None
    other: UUID | None
    agreed: bool | None
    at: datetime | None

    @property
    def contact(self) -> Contact:
        """Who the browser is on the site."""
        assert self.id is not None
        assert self.other is not None
        return _contact(self.id, self.other)


_COLUMNS = f"""
SELECT person.cookie, person.id, person.guid, row.visitor, row.tracked_site_id,
    other.id, other.guid, {SAYS}, answer.at
FROM """  # noqa: S608 -- of words of our own
_LIVE = """(
    SELECT guid AS cookie, id, guid FROM contacts_contact
    WHERE guid = ANY(%s::uuid[]) AND merged_into_id IS NULL
)"""
# Few have been merged, and following them costs as much as the rest.
_MERGED = """(
    WITH RECURSIVE line (cookie, id, guid, merged_into_id) AS (
        SELECT guid, id, guid, merged_into_id FROM contacts_contact WHERE guid = ANY(%s::uuid[])
        UNION
        SELECT line.cookie, next.id, next.guid, next.merged_into_id
        FROM line JOIN contacts_contact AS next ON next.id = line.merged_into_id
    )
    SELECT cookie, id, guid FROM line WHERE merged_into_id IS NULL
)"""
_KNOWN = """ AS person
LEFT JOIN crosssite_sitecontact AS mine ON mine.contact_id = person.id
LEFT JOIN crosssite_sitecontact AS row ON row.visitor = mine.visitor
LEFT JOIN contacts_contact AS other ON other.id = row.contact_id
LEFT JOIN consents_currentanswer AS answer
    ON answer.contact_id = coalesce(other.id, person.id) AND answer.consent_id = %s
ORDER BY row.id
"""


class _Found(NamedTuple):
    """Everything that the database says about the contacts in the cookies of a browser."""

    rows: Sequence[_Row] = ()

    def live(self, guids: Iterable[UUID | None]) -> list[Contact]:
        """The contacts that these GUIDs lead to, in order, each once."""
        people = {row.cookie: row for row in self.rows}
        named = (people[guid] for guid in guids if guid in people)
        return list(dict.fromkeys(_contact(row.owner, row.guid) for row in named))

    def of(self, contacts: Collection[Contact]) -> list[_Row]:
        """What is known of the browsers that these contacts have."""
        owners = {contact.pk for contact in contacts}
        return [row for row in self.rows if row.owner in owners and row.browser]

    def last_answer(self, contacts: Collection[Contact]) -> Answer | None:
        """The last answer of these contacts to the tracking consent."""
        known = {contact.pk for contact in contacts}
        return last_of(
            Answer(row.agreed, row.at)
            for row in self.rows
            if row.agreed is not None and row.at is not None and (row.id or row.owner) in known
        )


def _who_has(
    guids: Collection[UUID], consent_id: int | None, *, people: str = _LIVE
) -> Question[_Found]:
    """Asks whom these GUIDs lead to, who their browsers are elsewhere, and what they said."""
    return Question(
        _COLUMNS + people + _KNOWN,
        [array_of(guid.hex for guid in guids), consent_id],
        lambda rows: _Found([_Row(*row) for row in rows]),
    )


def _contact(contact_id: int, guid: UUID) -> Contact:
    """The contact with this id and GUID; the rest is read if it is asked for."""
    return Contact.from_db(DEFAULT_DB_ALIAS, ["id", "guid"], [contact_id, guid])


def _on_site(
    crossing: list[Contact], found: _Found, site: TrackedSite
) -> tuple[UUID | None, list[Contact]]:
    """Which browser has these cookies, and its contacts on `site`, the first cookie's first."""
    browser, contacts = None, []
    for contact in crossing:
        rows = found.of([contact])
        own = (row.browser for row in rows if row.id == contact.pk)
        browser = browser or next(own, None)
        contacts += [row.contact for row in rows if row.site == site.pk]
    return browser, contacts
