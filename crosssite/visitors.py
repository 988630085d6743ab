"""Who a browser is: the contact behind its cookies, on the main site and on tracked sites."""

from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.crypto import salted_hmac

from channels.models import Channel, CookieLevel
from consents.agreements import last_answers
from contacts.merging import CannotMerge, choose_survivor, request_merge
from contacts.models import Contact, ContactMerge
from contacts.resolving import get_live_contact
from crosssite import cookies
from crosssite.models import BrowserHits, SiteContact, TrackedSite


@dataclass
class Visitor:
    """One browser on one website: the main site of `channel`, or one of its tracked sites.

    `contact` is None as long as nobody had a reason to make one. `others` are contacts that the
    same browser is known as elsewhere, and that are to become one with it.
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
    # Whether it sends a signal against tracking that the channel honours.
    asks_not_to_be_tracked: bool = False
    # What its requests have in common while it has no contact yet.
    newcomer: UUID | None = None

    @cached_property
    def has_agreed(self) -> bool | None:
        """The last answer to the channel's tracking consent; None if none was given.

        The answers of all contacts of this browser count: a revocation anywhere holds here.
        """
        consent = self.channel.tracking_consent
        if consent is None:
            return None
        answers = last_answers([(contact.pk, consent.pk) for contact in self.contacts])
        return max(answers.values(), key=lambda answer: answer.at).agreed if answers else None

    @property
    def obstacle(self) -> BrowserHits.Outcome | None:
        """Why nothing that this visitor does may be recorded, or None if it may."""
        if self.channel.tracking_consent_id is not None and not self.has_agreed:
            return BrowserHits.Outcome.CONSENT
        if self.site is None and self.level is not None and self.level < CookieLevel.VISITOR:
            return BrowserHits.Outcome.CONSENT
        # An explicit yes counts more than a setting of the browser.
        if self.asks_not_to_be_tracked and not self.has_agreed:
            return BrowserHits.Outcome.OPT_OUT
        return None

    @property
    def may_be_tracked(self) -> bool:
        """Whether consent, cookie level and the browser's wish allow to record what they do."""
        return self.obstacle is None

    @property
    def has_revoked(self) -> bool:
        """Whether this browser took its agreement back; with it, it may have lost its contact."""
        level_is_lowered = self.level is not None and self.level < CookieLevel.VISITOR
        return self.has_agreed is False or (level_is_lowered and self.contact is None)

    def take_in(self, contact: Contact) -> None:
        """This browser is `contact`, too: it has arrived from a website where it is."""
        if self.contact is None:
            self.contact = contact
            if self.site is not None:
                appear_on(self.site, contact, self.browser)
        elif contact not in self.contacts:
            self.others.append(contact)
        vars(self).pop("has_agreed", None)

    @property
    def contacts(self) -> list[Contact]:
        """Every contact that this browser is."""
        return [contact for contact in (self.contact, *self.others) if contact is not None]


def recognise(request: HttpRequest, channel: Channel, site: TrackedSite | None) -> Visitor:
    """The visitor that the cookies of this request tell of. It makes no contact."""
    current = cookies.read_contact(request, cookies.CURRENT_CONTACT, channel)
    crossed = [
        contact
        for name in (cookies.CROSS_SITE_CONTACT, cookies.CROSS_SITE_CONTACT_PARTITIONED)
        if (contact := cookies.read_contact(request, name, channel))
    ]
    crossing = list(dict.fromkeys(crossed))
    visitor = Visitor(channel, site, level=cookies.read_level(request))
    visitor.newcomer = cookies.read_cookie_test(request)
    signals = request.headers.get("Sec-GPC") == "1" or request.headers.get("DNT") == "1"
    visitor.asks_not_to_be_tracked = signals and channel.honours_opt_out_signals
    if site is None or current is not None:
        visitor.is_known_by_main_site = True
        found = [*([current] if current else []), *crossing, *_on_any_site(crossing)]
    else:
        visitor.browser, found = _on_site(crossing, site)
    contacts = list(dict.fromkeys(found))
    visitor.contact, visitor.others = next(iter(contacts), None), contacts[1:]
    return visitor


def ensure_contact(visitor: Visitor) -> Contact:
    """The contact of this visitor, made now if there was none.

    A page that is left at once may send two requests before it has a contact: they make one.
    """
    if visitor.contact is None:
        newcomer = visitor.newcomer or uuid4()
        seed = f"{visitor.channel.guid} {visitor.site and visitor.site.pk} {newcomer}"
        guid = UUID(bytes=salted_hmac("crosssite.newcomer", seed).digest()[:16], version=4)
        with transaction.atomic():
            contact, _ = Contact.objects.get_or_create(guid=guid)
            visitor.contact = get_live_contact(contact.pk)
            if visitor.site is not None:
                appear_on(visitor.site, visitor.contact, visitor.browser or newcomer)
    return visitor.contact


def appear_on(site: TrackedSite, contact: Contact, browser: UUID | None = None) -> None:
    """Note that a visitor of `site` is `contact`; `browser` if it was seen on another site."""
    SiteContact.objects.get_or_create(
        visitor=browser or uuid4(), tracked_site=site, defaults={"contact": contact}
    )


def join(visitor: Visitor) -> None:
    """Ask for the contacts of this browser to become one, unless consent was revoked."""
    if visitor.contact is None or visitor.has_agreed is False:
        return
    # One survivor for all of them: a contact can only be about to become one other.
    survivor = visitor.contact
    for other in visitor.others:
        survivor, _ = choose_survivor(survivor, other)
    for contact in visitor.contacts:
        if contact != survivor:
            with suppress(CannotMerge):  # they have become one in the meantime
                request_merge(survivor=survivor, loser=contact, reason=ContactMerge.Reason.JOURNEY)


def remember(response: HttpResponseBase, visitor: Visitor) -> None:
    """Set the cookies by which this visitor is recognised the next time, as far as they agree.

    Who revoked the tracking consent, here or elsewhere, gets the cookie level of everybody.
    """
    if visitor.contact is None:
        return
    if visitor.has_agreed is False:
        cookies.set_level(response, visitor.channel.default_cookie_level)
        return
    if visitor.has_agreed and visitor.level is None:
        cookies.set_level(response, visitor.channel.agree_cookie_level)
    if not visitor.is_known_by_main_site:
        cookies.set_cross_site_contact(response, visitor.contact, visitor.channel)
        return
    cookies.set_current_contact(response, visitor.contact, visitor.channel)
    if visitor.site is None:
        cookies.delete(response, cookies.CROSS_SITE_CONTACT)
        cookies.delete(response, cookies.CROSS_SITE_CONTACT_PARTITIONED)


def _on_site(crossing: list[Contact], site: TrackedSite) -> tuple[UUID | None, list[Contact]]:
    """Which browser has these cookies, and its contacts on `site`, the first cookie's first."""
    browser, found = None, []
    for contact in crossing:
        rows = _rows_of_browsers([contact])
        browser = browser or next((row.visitor for row in rows if row.contact == contact), None)
        found += [row.contact for row in rows if row.tracked_site_id == site.pk]
    return browser, found


def _on_any_site(crossing: list[Contact]) -> list[Contact]:
    """The contacts that a browser with these cookies is on all tracked sites."""
    return [row.contact for row in _rows_of_browsers(crossing)]


def _rows_of_browsers(contacts: list[Contact]) -> QuerySet[SiteContact]:
    """What is known, for any tracked site, of the browsers that these contacts have."""
    browsers = SiteContact.objects.filter(contact__in=contacts).values("visitor")
    rows = SiteContact.objects.filter(visitor__in=browsers)
    return rows.select_related("contact").order_by("pk")
