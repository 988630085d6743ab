"""“Save this filter as a group”: what a list is filtered by, as a rule."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, QueryDict
from django.urls import reverse
from django.utils import timezone

from activities.admin.contact_list import NEVER, read_last_activity
from activities.models import Activity, ActivityType
from adminsite.filters import read_moment
from adminsite.last_days import read_days
from adminsite.navigation import ListLink, register_list_link
from adminsite.options import is_narrowed
from adminsite.searching import as_id, as_uuid
from channels.models import Channel
from contacts.admin.tags import TagFilter
from contacts.models import Contact
from contacts.places import country_names
from groups.admin.offers import tracked_sites
from groups.admin.permissions import may_add_groups
from groups.conditions.members import MOST_DAYS

# The parameters of the filter by what contacts did.
DID_PARAMETERS = ("did", "url", "source", "channel", "site", "within")
# What the address of the form says where its rule comes from.
_FROM = "from"
_NAMES = ("email", "first_name", "middle_name", "last_name")
_SEARCHED = (*_NAMES, "company_name", "mobile_phone", "business_phone")
# Shorter words are found at the beginning of a name, others anywhere.
_SHORTEST_PART = 3
# A condition on all types is one on these, if they are no more.
_MOST_TYPES = 30
_SECONDS_OF_A_DAY = 86_400
_HEX = re.compile(r"[0-9a-fA-F]{32,64}")


@dataclass
class Translated:
    """The conditions that filters came to, and in sentences what is not the same, or left out."""

    conditions: list[dict[str, Any]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    @property
    def rule(self) -> dict[str, Any]:
        return {"match": "all", "conditions": self.conditions}

    @property
    def is_left_out(self) -> bool:
        """Whether nothing of the filters became a condition: the rule is everybody."""
        return bool(self.remarks) and not self.conditions


def translate(query: QueryDict) -> Translated | None:
    """The rule for the filtered list that the address of the form names; None if it names none."""
    read = _LISTS.get(query.get(_FROM, ""))
    if read is None:
        return None
    found = Translated()
    read(query, found)
    for parameter, title in _left_out.items():
        if query.get(parameter):
            found.remarks.append(
                f"The filter “{title}” was left out: rules have no such condition, so this one "
                "finds more than the list."
            )
    return found


def tell_remarks(request: HttpRequest, *, if_nothing_is_left: str = "") -> None:
    """Say above a form what of the list that its address names is not the same in its rule."""
    if (translated := translate(request.GET)) is None:
        return
    for remark in translated.remarks:
        messages.warning(request, remark)
    if translated.is_left_out and if_nothing_is_left:
        messages.warning(request, if_nothing_is_left)


def leave_out(parameter: str, title: str) -> None:
    """Say of a filter of a list that no rule comes of it."""
    _left_out[parameter] = title


_left_out: dict[str, str] = {}
leave_out(TagFilter.parameter_name, TagFilter.title)


def _contacts(query: QueryDict, found: Translated) -> None:
    known = query.get("known")
    if known == "email":
        found.conditions.append(_is_empty("email", negate=True))
    elif known == "name":
        some = [_is_empty(name, negate=True) for name in _NAMES[1:]]
        found.conditions += [_is_empty("email"), {"match": "any", "conditions": some}]
    elif known == "nothing":
        found.conditions += [_is_empty(name) for name in _NAMES]
    if (country := query.get("country", "")) in country_names():
        found.conditions.append({"type": "country", "values": [country]})
    _group(query, found)
    _did(query, found)
    _consent(query, found)
    _last_activity(query, found)
    if days := read_days(query.get("created", "")):
        found.conditions.append({"type": "created", "operator": "within_days", "value": days})
    since, until = _range(query, "created_at")
    for operator, at in (("within_days", since), ("before_days", until)):
        if at is not None:
            days = _days_since(at)
            found.conditions.append({"type": "created", "operator": operator, "value": days})
    if since or until:
        found.remarks.append(
            "The list has a fixed time of creation; the rule counts days back from now, so it "
            "moves on."
        )
    _search(query.get("q", "").strip(), found)


def _did(query: QueryDict, found: Translated) -> None:
    """The filter by what contacts did."""
    given = {name: query.get(name, "").strip() for name in DID_PARAMETERS}
    days = read_days(given["within"])
    if not any(given.values()) or not (days or any(given[one] for one in given if one != "within")):
        return
    leaf: dict[str, Any] = {"type": "activity"}
    leaf["activities"] = [given["did"]] if given["did"] else _types(query, found)
    if days:
        leaf["days"] = days
    if given["url"]:
        leaf["url"] = _containing(given["url"])
    for name, key in (("channels", "channel"), ("tracked_sites", "site")):
        if given[key]:
            leaf[name] = [given[key]]
    found.conditions.append(_coming_from(given["source"], leaf, found))


def _coming_from(source: str, leaf: dict[str, Any], found: Translated) -> dict[str, Any]:
    """The condition `leaf`, or two, where the referrer or the URL has to tell of the source."""
    if not source:
        return leaf
    by_referrer = {**leaf, "referrer": _containing(source)}
    if "url" in leaf:
        found.remarks.append("A condition has one URL: the utm_source of the URL was left out.")
        return by_referrer
    return _any([by_referrer, {**leaf, "url": _containing(f"utm_source={source}")}])


def _consent(query: QueryDict, found: Translated) -> None:
    if not (consent := query.get("consent")):
        return
    agrees = {"type": "consent", "consent": consent}
    to_current = {**agrees, "version": "current"}
    match query.get("answer") or "yes":
        case "yes":
            found.conditions.append(agrees)
        case "current":
            found.conditions.append(to_current)
        case "earlier":
            found.conditions += [agrees, {**to_current, "negate": True}]
        case _:
            found.remarks.append(
                "The answer to the consent was left out: rules know who agrees, to any text or to "
                "a current one."
            )


def _last_activity(query: QueryDict, found: Translated) -> None:
    asked, days = read_last_activity(query.get("seen", ""))
    if asked == NEVER:
        found.conditions.append({"type": "inactive", "days": MOST_DAYS})
    elif asked == "not" and days:
        found.conditions.append({"type": "inactive", "days": days})
    elif days:
        found.conditions.append({"type": "last_seen", "operator": "within_days", "value": days})
        if asked == "back":
            before = {"type": "created", "operator": "before_days", "value": days}
            found.conditions.append(before)
            found.remarks.append(
                "The list looks at the first activity, the rule at when the contact was created."
            )


def _containing(text: str) -> dict[str, str]:
    return {"operator": "contains", "value": text}


def _search(term: str, found: Translated) -> None:
    if not term:
        return
    if as_uuid(term) is not None or _HEX.fullmatch(term):
        found.remarks.append(
            f"The search for “{term}” is of one contact or an identifier, and was left out: rules "
            "have no such condition. A list (a static group) can have single contacts."
        )
        return
    found.conditions += [_any([_has(name, word) for name in _SEARCHED]) for word in term.split()]
    found.remarks.append(
        "The search also finds other spellings (accents, phones), parts of GUIDs and identifiers "
        "of other systems; the rule looks at emails, names, companies and phones as they are "
        "written."
    )


def _activities(query: QueryDict, found: Translated) -> None:
    leaf: dict[str, Any] = {"type": "activity"}
    leaf["activities"] = _types(query, found)
    for name, key, rows in (
        ("channels", "channel__id__exact", Channel.objects.all()),
        ("tracked_sites", "tracked_site__id__exact", tracked_sites()),
    ):
        if (chosen := as_id(query.get(key, ""))) is not None:
            leaf[name] = list(rows.filter(pk=chosen).values_list("code_name", flat=True))
    for name in ("url", "value"):
        if text := query.get(name, "").strip():
            leaf[name] = _containing(text)
    if query.get("contact"):
        found.remarks.append("The contact was left out: a list (a static group) can have one.")
    since, until = _range(query, "occurred_at")
    if days := read_days(query.get("within", "")):
        leaf["days"] = days
    if since is not None:
        leaf["days"] = _days_since(since)
        found.remarks.append(
            "The list begins at a fixed time; the rule counts days back from now, so it moves on."
        )
    if until is not None:
        found.remarks.append("The end of the time was left out: a rule looks back from now.")
    if query.get("q"):
        found.remarks.append(
            f"The search for “{query['q']}” was left out: it is of one activity or contact."
        )
    found.conditions.append(_coming_from(query.get("source", "").strip(), leaf, found))
    _group(query, found)


def _types(query: QueryDict, found: Translated) -> list[str]:
    types = ActivityType.objects.order_by("name")
    if chosen := query.get("type__id__exact"):
        return list(types.filter(pk__in=[as_id(chosen)]).values_list("code_name", flat=True))
    every = list(types.filter(enabled=True).values_list("code_name", flat=True)[: _MOST_TYPES + 1])
    if len(every) > _MOST_TYPES:
        found.remarks.append("The list is of all types of activities: choose those that count.")
        return []
    found.remarks.append("The list is of all types; the rule names those that there are today.")
    return every


def _group(query: QueryDict, found: Translated) -> None:
    if code_name := query.get("group"):
        found.conditions.append({"type": "group", "groups": [code_name]})


def _range(query: QueryDict, name: str) -> tuple[datetime | None, datetime | None]:
    """The beginning and the end of a filter by time, as `TimeRangeFilter` reads them."""
    ends = (("from", time.min), ("to", time(23, 59)))
    since, until = (
        read_moment(query.get(f"{name}_{end}_0", ""), query.get(f"{name}_{end}_1", ""), missing)
        for end, missing in ends
    )
    return since, until


def _days_since(at: datetime) -> int:
    """Whole days from `at` to now, rounded up: one at least, and as many as a rule may say."""
    seconds = (timezone.now() - at).total_seconds()
    return min(max(math.ceil(seconds / _SECONDS_OF_A_DAY), 1), MOST_DAYS)


def _is_empty(name: str, *, negate: bool = False) -> dict[str, Any]:
    return {"type": "field_empty", "field": name, **({"negate": True} if negate else {})}


def _has(name: str, word: str) -> dict[str, Any]:
    operator = "starts_with" if len(word) < _SHORTEST_PART else "contains"
    return {"type": "field", "field": name, "operator": operator, "value": word}


def _any(conditions: list[dict[str, Any]]) -> dict[str, Any]:
    return {"match": "any", "conditions": conditions}


def form_with_filter(name: str, view: str) -> Callable[[HttpRequest], str]:
    """What makes the address of the form `view`, which `translate` gives the rule of a list."""

    def url_of(request: HttpRequest) -> str:
        """The form with the rule of this list; none while the list is not filtered."""
        if not is_narrowed(request):
            return ""
        given = {key: value for key, value in request.GET.items() if value}
        return f"{reverse(view)}?{urlencode({**given, _FROM: name})}"

    return url_of


_LISTS: dict[str, Callable[[QueryDict, Translated], None]] = {
    "contacts": _contacts,
    "activities": _activities,
}
for _name, _model in (("contacts", Contact), ("activities", Activity)):
    register_list_link(
        _model,
        ListLink(
            "Save this filter as a group",
            "group_add",
            may_add_groups,
            form_with_filter(_name, "admin:groups_contactgroup_add"),
            for_all_found=_model is Contact,
        ),
    )
