"""The commands of the tracker."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid5

import msgspec

from activities.drafts import Draft, is_data_input
from activities.models import SystemType
from activities.recording import Outcome, record_soon
from consents.agreements import answers_to
from consents.texts import find_text
from crosssite import cookies, handover
from crosssite.agreeing import come_back_with, record_answer
from crosssite.bodies import MOST_ACTIVITIES
from crosssite.command import Command, Ending, Refusal, invalid
from crosssite.hits import Hit
from crosssite.origins import partner_origins
from crosssite.visitors import Visitor, find_answer, take_in
from database.loop import ask_soon, in_thread
from groups.telling import groups_of
from web.answers import Answer
from web.problems import Problem

# Makes the ids of landing pages, of those of the visits that tell them.
_IDS_OF_LANDINGS = UUID("8a3c1f64-2d0e-4b57-9c1b-6f0d7e2b5a93")


class ConsentData(Command):
    """The text of a consent, in a language or the nearest that there is."""

    tracks = writes = False

    async def do(self, visitor: Visitor) -> Answer:
        text = await in_thread(find_text, await self.get_consent(), self.get_language())
        if text is None:
            detail = "This consent has no text yet."
            raise Refusal(404, Ending.INVALID, "no_text", detail)
        return Answer.json({"shortText": text.short_text, "fullText": text.full_text})


class ConsentStatus(Command):
    """Whether the visitor agrees to a consent. It never makes a contact."""

    tracks = writes = False

    async def do(self, visitor: Visitor) -> Answer:
        consent = await self.get_consent()
        if consent == self.channel.tracking_consent:
            return Answer.json({"isAgreed": bool(visitor.has_agreed)})
        asked = [(contact.pk, consent.pk) for contact in visitor.contacts]
        (answers,) = await ask_soon(answers_to(asked)) if asked else [{}]
        return Answer.json({"isAgreed": any(answer.agreed for answer in answers.values())})


class ContactGroups(Command):
    """Which contact groups the visitor is in, of those that websites may learn of.

    It never makes a contact. Visitors who must not be tracked are in none.
    """

    tracks = writes = False

    async def do(self, visitor: Visitor) -> Answer:
        groups: list[str] = []
        if visitor.contact is not None and visitor.may_be_tracked:
            (groups,) = await ask_soon(groups_of(visitor.contact.pk, only_visible=True))
        return Answer.json({"groups": groups})


class ConsentAgree(Command):
    """Record that the visitor agrees to a consent; now they are a contact."""

    async def do(self, visitor: Visitor) -> Answer:
        consent = await self.get_consent()
        if answer := await self.ask_for_cookies(visitor):
            return answer
        await self.need_contact(visitor)
        await in_thread(
            record_answer,
            visitor,
            consent,
            agreed=True,
            language=self.get_language(),
            request_id=self.request.id,
        )
        return Answer.json({"isAgreed": True, **await _partners(self)})


class ConsentRevoke(Command):
    """Record that the visitor does not agree any more, everywhere. It never makes a contact."""

    tracks = False

    async def do(self, visitor: Visitor) -> Answer:
        await in_thread(
            record_answer,
            visitor,
            await self.get_consent(),
            agreed=False,
            language=self.get_language(),
            request_id=self.request.id,
        )
        return Answer.json({"isAgreed": False})


class Log(Command):
    """Record what the visitor did: one activity, or several when the page is being left."""

    async def do(self, visitor: Visitor) -> Answer:
        items = self._read_items()
        _refuse_without_permission(visitor)
        if answer := await self.ask_for_cookies(visitor):
            return answer
        contact = await self.need_contact(visitor)
        drafts = [read_activity(item, takes_title=visitor.site is None) for item in items]
        if any(draft.contact_fields for draft in drafts):
            await in_thread(come_back_with, visitor, drafts)
        outcomes = await record_soon(
            self._with_landing_page(drafts, visitor),
            contact_guid=contact.guid,
            source=self.source,
            add=self._hits,
        )
        for outcome in outcomes:
            if problem := outcome.problem:
                # The page is told; the inspector and the count have it by now.
                return self.refuse(Problem(400, problem.code, problem.detail, field=problem.field))
        if visitor.site is None and any(draft.type == SystemType.PAGE_VISIT for draft in drafts):
            cookies.set_landing_page_loaded(self.jar)
        return Answer.json(await _partners(self))

    def _hits(self, outcomes: Sequence[Outcome]) -> list[Hit]:
        """What the site doctor counts: how many activities were recorded, and how many not."""
        refused = sum(outcome.problem is not None for outcome in outcomes)
        counted = {
            Ending.RECORDED: len(outcomes) - refused,
            Ending.INVALID: refused,
        }
        return [self.hit(outcome, times) for outcome, times in counted.items() if times]

    def _read_items(self) -> list[dict[str, Any]]:
        items = self.given.get("activities")
        if not items or not isinstance(items, list):
            raise invalid("activities must be an array with at least one object.")
        if not all(isinstance(item, dict) for item in items):
            raise invalid("activities must be objects.")
        if len(items) > MOST_ACTIVITIES:
            raise invalid(f"One request may bring {MOST_ACTIVITIES} activities at most.")
        return items

    def _with_landing_page(self, drafts: list[Draft], visitor: Visitor) -> list[Draft]:
        """On the main site, the first page visit of a visit tells the landing page as well."""
        visit = next((draft for draft in drafts if draft.type == SystemType.PAGE_VISIT), None)
        if visitor.site is not None or visit is None:
            return drafts
        if cookies.LANDING_PAGE_LOADED in self.request.cookies:
            return drafts
        landing = msgspec.structs.replace(
            visit,
            type=SystemType.LANDING_PAGE,
            client_id=_id_of_landing(visit),
            context={**visit.context, "landing": True},
        )
        return [landing, *drafts]


class Link(Command):
    """A token for a link to the partner site, by which the visitor's contact comes along."""

    async def do(self, visitor: Visitor) -> Answer:
        assert self.caller is not None
        url = self.given.get("url")
        target = handover.origin_of(url) if isinstance(url, str) else ""
        if target not in await partner_origins(self.caller):
            raise invalid("url must lead to the partner of this website.")
        if visitor.contact is None or not visitor.may_be_tracked:
            return Answer.of(b"", status=204)
        token = handover.mint_token(
            visitor.contact, from_origin=self.caller.origin, to_origin=target
        )
        return Answer.json({"token": token})


class Arrive(Command):
    """A visitor has come by a hand-over link: who they were there, they are here as well."""

    async def do(self, visitor: Visitor) -> Answer:
        assert self.caller is not None
        token, referrer = self.given.get("token"), self.given.get("referrer")
        if not isinstance(token, str) or not isinstance(referrer, str):
            raise invalid("token and referrer must be strings.")
        try:
            contact = await in_thread(
                handover.redeem_token, token, arrived_at=self.caller.origin, came_from=referrer
            )
        except handover.CannotHandOver as error:
            raise Refusal(400, Ending.INVALID, "handover", str(error)) from None
        arriving = Visitor(self.channel, visitor.site, contact)
        arriving.answer = await find_answer(self.channel, [contact])
        if not arriving.may_be_tracked or visitor.has_revoked:
            detail = "Tracking was not agreed to, or revoked."
            raise Refusal(204, Ending.CONSENT, "consent", detail)
        await take_in(visitor, contact)
        return Answer.json({"joined": True})


def _id_of_landing(visit: Draft) -> UUID | None:
    """Sent twice, as by a page that is left before the answer, the landing page counts once."""
    return uuid5(_IDS_OF_LANDINGS, visit.client_id) if isinstance(visit.client_id, str) else None


def _refuse_without_permission(visitor: Visitor) -> None:
    if obstacle := visitor.obstacle:
        ending = Ending(obstacle)
        raise Refusal(204, ending, ending.value, f"{ending.label}.")


async def _partners(command: Command) -> dict[str, list[str]]:
    """What the tracker of the main site has to know: which links lead to a tracked site."""
    caller = command.caller
    if caller is None or caller.site is not None:
        return {}
    return {"partners": await partner_origins(caller)}


def read_activity(item: dict[str, Any], *, takes_title: bool) -> Draft:
    """One activity as the tracker sends it; only the main site gives activities a title."""
    return Draft(
        type=item.get("type"),
        value=item.get("value"),
        title=item.get("title") if takes_title else None,
        url=item.get("url"),
        referrer=item.get("referrer"),
        contact_fields=item.get("contactFields") if is_data_input(item.get("type")) else None,
        client_id=item.get("id"),
        payload=msgspec.json.encode(item),
        context={"title": takes_title},
    )
