"""Filters of the list of contacts: what they did, where they came from, what they agreed to."""

from collections.abc import Mapping

from django import forms
from django.db.models.functions import Lower
from django.utils.functional import cached_property

from activities.admin.permissions import may_see_activities
from activities.models import ActivityType
from adminsite.filters import FormFilter, choice_field, register_filter, text_field
from adminsite.last_days import last_days, offered, read_days
from adminsite.looking import Look
from adminsite.permissions import AnyUser
from channels.models import Channel
from consents.admin.permissions import may_see_agreements
from consents.models import Consent, ConsentText
from contacts.admin.permissions import may_see_contacts
from contacts.models import Contact
from groups.admin.from_lists import DID_PARAMETERS
from groups.admin.offers import tracked_sites
from groups.asking import VERSION, Did, OfContacts, answered

_ANSWERS = {
    "yes": "Agrees",
    "current": "Agrees to a current text",
    "earlier": "Agrees to an earlier text",
    "no": "Took it back",
    "none": "Never answered",
}


class DidFilter(FormFilter):
    """What contacts did: all that is given holds for one and the same activity."""

    title = "what they did"
    parameters = DID_PARAMETERS

    def fields(self) -> Mapping[str, forms.Field]:
        return {
            "did": choice_field("Did", self._names("did")),
            "url": text_field("On a page whose URL contains"),
            "source": text_field("Came from", "Of the referrer, or the utm_source of the URL."),
            "channel": choice_field("On the channel", self._names("channel")),
            "site": choice_field("On the tracked site", self._names("site")),
            "within": choice_field("When", offered(self.did.days)),
        }

    @cached_property
    def did(self) -> Did:
        """What is asked for."""
        given = self.given
        return Did(
            type=given.get("did", ""),
            url=given.get("url", ""),
            source=given.get("source", ""),
            channel=given.get("channel", ""),
            site=given.get("site", ""),
            days=read_days(given.get("within", "")),
        )

    def look(self) -> Look | None:
        return OfContacts(self.did.formula()) if self.did != Did() else None

    def said(self) -> Mapping[str, str]:
        did, said = self.did, {}
        if did.type:
            said["did"] = f"did “{self._name('did')}”"
        if did.url:
            said["url"] = f"was on a page whose URL contains “{did.url}”"
        if did.source:
            said["source"] = f"came from “{did.source}”"
        if did.channel:
            said["channel"] = f"on the channel “{self._name('channel')}”"
        if did.site:
            said["site"] = f"on the site “{self._name('site')}”"
        if did.days is not None:
            alone = did == Did(days=did.days)
            said["within"] = f"{'did something ' if alone else ''}{last_days(did.days)}"
        return said

    @cached_property
    def _all_names(self) -> dict[str, list[tuple[str, str]]]:
        rows = {
            "did": ActivityType.objects.all(),
            "channel": Channel.objects.all(),
            "site": tracked_sites(),
        }
        return {
            name: list(found.order_by(Lower("name")).values_list("code_name", "name"))
            for name, found in rows.items()
        }

    def _names(self, parameter: str) -> list[tuple[str, str]]:
        names = self._all_names[parameter]
        given = self.given.get(parameter, "")
        # One that is gone, or is written in another letter case, stays chosen.
        return names if not given or given in dict(names) else [*names, (given, given)]

    def _name(self, parameter: str) -> str:
        given = self.given[parameter]
        return dict(self._all_names[parameter]).get(given, given)


class ConsentFilter(FormFilter):
    """What contacts answered to a consent, and to which version of its text."""

    title = "consent"
    parameters = ("consent", "answer")

    def fields(self) -> Mapping[str, forms.Field]:
        answers = list(_ANSWERS.items())
        if self.given.get("consent"):
            texts = ConsentText.objects.filter(consent__code_name=self.given["consent"])
            versions = texts.order_by("language", "version").values_list("version", "language")
            answers += [
                (f"v{number}-{language}", f"Agrees to version {number} ({language})")
                for number, language in versions
            ]
        return {
            "consent": choice_field("Consent", list(self._consents.items())),
            "answer": choice_field("Answer", answers),
        }

    @property
    def answer(self) -> str:
        """The answer that is asked for; that they agree, if none is given."""
        given = self.given.get("answer", "yes")
        return given if given in _ANSWERS or VERSION.fullmatch(given) else "yes"

    def look(self) -> Look | None:
        consent = self.given.get("consent")
        return OfContacts(answered(consent, self.answer)) if consent else None

    def said(self) -> Mapping[str, str]:
        code_name = self.given.get("consent")
        if not code_name:
            return {}
        name = f"“{self._consents.get(code_name, code_name)}”"
        words = {
            "yes": f"agrees to {name}",
            "current": f"agrees to a current text of {name}",
            "earlier": f"agrees to an earlier text of {name}",
            "no": f"took {name} back",
            "none": f"never answered {name}",
        }
        if version := VERSION.fullmatch(self.answer):
            return {"consent": "agrees to version {} ({}) of {}".format(*version.groups(), name)}
        return {"consent": words[self.answer]}

    @cached_property
    def _consents(self) -> dict[str, str]:
        return dict(Consent.objects.order_by(Lower("name")).values_list("code_name", "name"))


def _may_ask_what_they_did(user: AnyUser) -> bool:
    return may_see_contacts(user) and may_see_activities(user)


def _may_ask_what_they_agreed_to(user: AnyUser) -> bool:
    return may_see_contacts(user) and may_see_agreements(user)


register_filter(Contact, DidFilter, may_see=_may_ask_what_they_did)
register_filter(Contact, ConsentFilter, may_see=_may_ask_what_they_agreed_to)
