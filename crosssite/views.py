"""The commands of the tracker."""

from typing import Any

import msgspec
from django.http import HttpResponse, JsonResponse

from activities.drafts import Draft, is_data_input
from activities.models import SystemType
from activities.recording import Source, record_activities
from consents.agreements import is_agreed, record_agreement
from consents.texts import find_text
from crosssite import cookies, handover
from crosssite.commands import CommandView, Outcome, Refusal, invalid
from crosssite.origins import partner_origins
from crosssite.visitors import Visitor

# The most activities that a page sends in one request, when it is being left.
_MOST_ACTIVITIES = 100


class ConsentDataView(CommandView):
    """The text of a consent, in a language or the nearest that there is."""

    tracks = writes = False

    def carry_out(self) -> HttpResponse:
        text = find_text(self.get_consent(), self.get_language())
        if text is None:
            raise Refusal(404, Outcome.INVALID, "no_text", "This consent has no text yet.")
        return JsonResponse({"shortText": text.short_text, "fullText": text.full_text})


class ConsentStatusView(CommandView):
    """Whether the visitor agrees to a consent. It never makes a contact."""

    tracks = writes = False

    def carry_out(self) -> HttpResponse:
        consent = self.get_consent()
        if consent == self.channel.tracking_consent:
            agreed = bool(self.visitor.has_agreed)
        else:
            agreed = any(is_agreed(contact, consent) for contact in self.visitor.contacts)
        return JsonResponse({"isAgreed": agreed})


class ConsentAgreeView(CommandView):
    """Record that the visitor agrees to a consent; now they are a contact."""

    def carry_out(self) -> HttpResponse:
        consent = self.get_consent()
        if answer := self.ask_for_cookies():
            return answer
        record_agreement(
            self.need_contact(),
            consent,
            agreed=True,
            channel=self.channel,
            tracked_site_id=self.caller.site_id,
            language=self.get_language(),
            request_id=self.request_id,
        )
        if consent == self.channel.tracking_consent:
            # The level follows, whatever it was before.
            self.visitor.has_agreed, self.visitor.level = True, None
        return JsonResponse({"isAgreed": True, **_partners(self)})


class ConsentRevokeView(CommandView):
    """Record that the visitor does not agree any more, everywhere. It never makes a contact."""

    tracks = False

    def carry_out(self) -> HttpResponse:
        consent = self.get_consent()
        for contact in self.visitor.contacts:
            record_agreement(
                contact,
                consent,
                agreed=False,
                channel=self.channel,
                tracked_site_id=self.caller.site_id,
                language=self.get_language(),
                request_id=self.request_id,
            )
        if consent == self.channel.tracking_consent:
            self.visitor.has_agreed = False
        return JsonResponse({"isAgreed": False})


class LogView(CommandView):
    """Record what the visitor did: one activity, or several when the page is being left."""

    def carry_out(self) -> HttpResponse:
        items = self._read_items()
        self._refuse_without_permission()
        if answer := self.ask_for_cookies():
            return answer
        contact = self.need_contact()
        response: HttpResponse = JsonResponse(_partners(self))
        drafts = [_draft(item, takes_title=self.caller.site is None) for item in items]
        outcomes = record_activities(
            self._with_landing_page(drafts, response),
            contact_guid=contact.guid,
            source=Source(
                door="crosssite",
                channel=self.channel,
                tracked_site_id=self.caller.site_id,
                request_id=self.request_id,
            ),
        )
        problems = [outcome.problem for outcome in outcomes if outcome.problem]
        if recorded := len(outcomes) - len(problems):
            self.count(Outcome.RECORDED, recorded)
        if problems:
            self.count(Outcome.INVALID, len(problems))
            response = self.problem(400, problems[0].code, problems[0].detail, problems[0].field)
        return response

    def _read_items(self) -> list[dict[str, Any]]:
        items = self.given.get("activities")
        if not items or not isinstance(items, list):
            raise invalid("activities must be an array with at least one object.")
        if not all(isinstance(item, dict) for item in items):
            raise invalid("activities must be objects.")
        if len(items) > _MOST_ACTIVITIES:
            raise invalid(f"One request may bring {_MOST_ACTIVITIES} activities at most.")
        return items

    def _refuse_without_permission(self) -> None:
        obstacle = self.visitor.obstacle
        if obstacle is not None:
            raise Refusal(204, obstacle, obstacle.value, f"{obstacle.label}.")

    def _with_landing_page(self, drafts: list[Draft], response: HttpResponse) -> list[Draft]:
        """On the main site, the first page visit of a visit tells the landing page as well."""
        visit = next((draft for draft in drafts if draft.type == SystemType.PAGE_VISIT), None)
        if self.caller.site is not None or visit is None:
            return drafts
        cookies.set_landing_page_loaded(response)
        if cookies.LANDING_PAGE_LOADED in self.request.COOKIES:
            return drafts
        landing = msgspec.structs.replace(visit, type=SystemType.LANDING_PAGE, client_id=None)
        return [landing, *drafts]


class LinkView(CommandView):
    """A token for a link to the partner site, by which the visitor's contact comes along."""

    def carry_out(self) -> HttpResponse:
        url = self.given.get("url")
        target = handover.origin_of(url) if isinstance(url, str) else ""
        if target not in partner_origins(self.caller):
            raise invalid("url must lead to the partner of this website.")
        if self.visitor.contact is None or not self.visitor.may_be_tracked:
            return HttpResponse(status=204)
        token = handover.mint_token(
            self.visitor.contact, from_origin=self.caller.origin, to_origin=target
        )
        return JsonResponse({"token": token})


class ArriveView(CommandView):
    """A visitor has come by a hand-over link: who they were there, they are here as well."""

    def carry_out(self) -> HttpResponse:
        token, referrer = self.given.get("token"), self.given.get("referrer")
        if not isinstance(token, str) or not isinstance(referrer, str):
            raise invalid("token and referrer must be strings.")
        try:
            contact = handover.redeem_token(
                token, arrived_at=self.caller.origin, came_from=referrer
            )
        except handover.CannotHandOver as error:
            raise Refusal(400, Outcome.INVALID, "handover", str(error)) from None
        arriving = Visitor(self.channel, self.caller.site, contact)
        if not arriving.may_be_tracked or self.visitor.has_revoked:
            raise Refusal(
                204, Outcome.CONSENT, "consent", "Tracking was not agreed to, or revoked."
            )
        self.visitor.take_in(contact)
        return JsonResponse({"joined": True})


def _partners(view: CommandView) -> dict[str, list[str]]:
    """What the tracker of the main site has to know: which links lead to a tracked site."""
    return {"partners": partner_origins(view.caller)} if view.caller.site is None else {}


def _draft(item: dict[str, Any], *, takes_title: bool) -> Draft:
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
    )
