"""The inbox: pairs that wait for a decision, by reason, and several decided at once."""

import hashlib
import json
from dataclasses import dataclass

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from adminsite.formatting import change_url
from adminsite.searching import as_id
from contacts.admin.duplicates import progress_context
from contacts.admin.naming import hide_values
from contacts.admin.permissions import may_decide_merges, may_see_contacts, may_see_merges
from contacts.admin.snapshots import FieldRow, compare
from contacts.merging import CannotMerge, approve_merge, dismiss_merge
from contacts.models import Contact, ContactMerge
from contacts.profile import fields_of, texts_of

_Reason = ContactMerge.Reason
# Pairs on the page of all reasons, for each, and on that of one.
_FEW, _MANY = 5, 25
# What tells at a glance whether two are one person.
_GLANCE = (
    *("email", "first_name", "last_name", "birthday", "mobile_phone", "business_phone"),
    *("company_name", "city", "country"),
)


@dataclass(frozen=True)
class Pair:
    """Two contacts who wait for a decision."""

    key: int
    rows: list[FieldRow]
    shown: str
    url: str
    survivor: str
    loser: str


@dataclass(frozen=True)
class Group:
    """The pairs that wait for one reason: how many, and the newest of them."""

    reason: str
    label: str
    count: int
    pairs: list[Pair]
    more_url: str


def decide_about_many(model_admin: ModelAdmin, request: HttpRequest) -> HttpResponse:
    """Show the pairs that wait, by reason; a POST decides about those that are ticked."""
    if not may_see_merges(request.user):
        raise PermissionDenied
    if request.method == "POST":
        return _decide(model_admin, request)
    given = request.GET.get("reason", "")
    chosen = given if given in _Reason.values else ""
    context = {
        **model_admin.admin_site.each_context(request),
        **progress_context(),
        "title": "Decisions",
        "groups": _groups(request, chosen),
        "chosen": chosen,
        "may_decide": may_decide_merges(request.user),
        "all_url": _url(),
    }
    return TemplateResponse(request, "admin/contacts/contactmerge/decisions.html", context)


def _groups(request: HttpRequest, chosen: str) -> list[Group]:
    """The pairs by reason, those of which there are most first; or of the reason `chosen`."""
    waiting = ContactMerge.objects.filter(status=ContactMerge.Status.REVIEW)
    counts = dict(waiting.order_by().values_list("reason").annotate(Count("pk")))
    most = _MANY if chosen else _FEW
    before = as_id(request.GET.get("before", "")) if chosen else None
    merges: dict[str, list[ContactMerge]] = {}
    for reason in [chosen] if chosen else sorted(counts, key=lambda one: (-counts[one], one)):
        rows = waiting.filter(reason=reason).order_by("-pk")
        if before is not None:
            rows = rows.filter(pk__lt=before)
        merges[reason] = list(rows[: most + 1])
    _read_contacts([merge for found in merges.values() for merge in found])
    named = may_see_contacts(request.user)
    return [
        Group(
            reason=reason,
            label=_Reason(reason).label,
            count=counts.get(reason, 0),
            pairs=[_pair(merge, named=named) for merge in found[:most]],
            more_url=_more_url(reason, found[:most], chosen) if len(found) > most else "",
        )
        for reason, found in merges.items()
    ]


def _read_contacts(merges: list[ContactMerge]) -> None:
    # In a query of their own: joined to few merges, PostgreSQL happens to read all contacts.
    ids = {one for merge in merges for one in (merge.survivor_id, merge.loser_id)}
    contacts = Contact.objects.in_bulk(ids)
    for merge in merges:
        merge.survivor, merge.loser = contacts[merge.survivor_id], contacts[merge.loser_id]


def _pair(merge: ContactMerge, *, named: bool) -> Pair:
    rows = [
        row
        for row in compare(fields_of(merge.survivor), fields_of(merge.loser))
        if row.name in _GLANCE
    ]
    return Pair(
        key=merge.pk,
        rows=rows if named else hide_values(rows),
        shown=_shown(merge),
        url=change_url(merge),
        survivor=str(merge.survivor) if named else str(merge.survivor.guid),
        loser=str(merge.loser) if named else str(merge.loser.guid),
    )


def _shown(merge: ContactMerge) -> str:
    """What the page has shown of a pair, as its form carries it."""
    both = [
        (one.pk, one.merged_into_id, texts_of(fields_of(one)))
        for one in (merge.survivor, merge.loser)
    ]
    return hashlib.sha256(json.dumps(both).encode()).hexdigest()[:16]


def _decide(model_admin: ModelAdmin, request: HttpRequest) -> HttpResponse:
    if not may_decide_merges(request.user):
        raise PermissionDenied
    decide = approve_merge if "approve" in request.POST else dismiss_merge
    # The key of each ticked pair, and what was shown of it.
    given = (value.partition("-") for value in request.POST.getlist("pair")[:_MANY])
    ticked = {key: shown for text, _, shown in given if (key := as_id(text)) is not None}
    merges = ContactMerge.objects.filter(pk__in=ticked).order_by("pk")
    found = list(merges.prefetch_related("survivor", "loser"))
    done, stale, over = 0, 0, len(ticked) - len(found)
    for merge in found:
        if ticked[merge.pk] != _shown(merge):
            stale += 1
            continue
        try:
            decide(merge, by=request.user)  # type: ignore[arg-type]
            done += 1
        except CannotMerge:
            over += 1
    _tell(model_admin, request, done, stale, over)
    reason = request.POST.get("reason", "")
    return HttpResponseRedirect(_url(reason if reason in _Reason.values else ""))


def _tell(model_admin: ModelAdmin, request: HttpRequest, done: int, stale: int, over: int) -> None:
    became = "Become one in a moment" if "approve" in request.POST else "Kept apart"
    lines = [
        (done, messages.SUCCESS, f"{became}: {_pairs(done)}."),
        (
            stale,
            messages.WARNING,
            f"{_pairs(stale)} changed since you opened the page: look again.",
        ),
        (over, messages.WARNING, f"{_pairs(over)} needed no decision any more."),
        (not (done or stale or over), messages.WARNING, "Tick the pairs to decide about."),
    ]
    for is_so, level, text in lines:
        if is_so:
            model_admin.message_user(request, text, level)


def _pairs(count: int) -> str:
    return f"{count} pair{'' if count == 1 else 's'}"


def _more_url(reason: str, shown: list[ContactMerge], chosen: str) -> str:
    return _url(reason) + (f"&before={shown[-1].pk}" if chosen else "")


def _url(reason: str = "") -> str:
    url = reverse("admin:contacts_contactmerge_decisions")
    return f"{url}?reason={reason}" if reason else url
