"""The page on which a user sees what the undo of a merge brings back, and what not, and does it."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from adminsite.formatting import change_url
from contacts.admin.naming import HIDDEN
from contacts.admin.permissions import may_decide_merges, may_see_contacts
from contacts.admin.snapshots import label_of, text_of
from contacts.models import Contact, ContactMerge
from contacts.profile import FIELDS, fields_of, texts_of
from contacts.undoing import CannotUndo, Plan, plan_undo, undo_merge


@dataclass(frozen=True)
class FieldThen:
    """A field of one of the two: what it is now, and what it becomes."""

    label: str
    now: str
    then: str


def undo_two_contacts(
    model_admin: ModelAdmin, request: HttpRequest, merge: ContactMerge
) -> HttpResponse:
    """Show what the undo of a merge would bring back; a POST does it."""
    if not may_decide_merges(request.user):
        raise PermissionDenied
    try:
        plan = plan_undo(merge)
        if request.method == "POST":
            seen = request.POST.get("shown")
            if seen is None or seen == _shown(plan):
                return _undo(model_admin, request, merge)
            text = "Something has changed since you opened this page. Look again, then undo."
            model_admin.message_user(request, text, messages.WARNING)
    except CannotUndo as error:
        model_admin.message_user(request, str(error), messages.ERROR)
        return HttpResponseRedirect(change_url(merge))
    named = may_see_contacts(request.user)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": f"Undo merge {merge.pk}",
        "merge": merge,
        "may_name": named,
        "fields": _fields(merge.survivor, plan.survivor_fields, named),
        "loser_fields": _fields(merge.loser, plan.loser_fields, named),
        "restored": _counts(merge, plan),
        "left": [(label_of(left.what), left) for left in plan.left],
        "shown": _shown(plan),
        "merge_url": change_url(merge),
    }
    return TemplateResponse(request, "admin/contacts/contactmerge/undo.html", context)


def undoing_of(merge: ContactMerge) -> dict[str, Any]:
    """What the page of a merge says about its undo."""
    undone = merge.undone
    fields = undone.restored.get("fields", [])
    counts = [(name, count) for name, count in undone.restored.items() if name != "fields"]
    named = [("fields", ", ".join(map(label_of, fields)))] if fields else []
    left = [(label_of(one["what"]), one) for one in undone.not_restored]
    return {"undone": undone, "restored": counts + named, "not_restored": left}


def _undo(model_admin: ModelAdmin, request: HttpRequest, merge: ContactMerge) -> HttpResponse:
    undone = undo_merge(merge.pk, by=request.user)  # type: ignore[arg-type]
    text = "The merge was undone: these are two contacts again."
    if undone.not_restored:
        text += " What did not come back is listed below."
    model_admin.message_user(request, text, messages.SUCCESS)
    return HttpResponseRedirect(change_url(merge))


def _fields(contact: Contact, fields: dict[str, Any], named: bool) -> list[FieldThen]:
    now = fields_of(contact)
    rows = [
        FieldThen(label_of(name), text_of(name, now), text_of(name, fields))
        for name in FIELDS
        if name in fields
    ]
    if named:
        return rows
    return [FieldThen(one.label, one.now and HIDDEN, one.then and HIDDEN) for one in rows]


def _counts(merge: ContactMerge, plan: Plan) -> list[tuple[str, str]]:
    """How many rows go back, and how many of them have come since the merge moved the others."""
    return [
        (name, _count(count, merge.moved.get(name, 0))) for name, count in plan.restored.items()
    ]


def _count(back: int, moved: int) -> str:
    return (
        f"{back:,} ({moved:,} moved, and {back - moved:,} since)"
        if 0 < moved < back
        else f"{back:,}"
    )


def _shown(plan: Plan) -> str:
    """What the page has shown, as its form carries it."""
    fields = [texts_of(plan.survivor_fields), texts_of(plan.loser_fields)]
    return hashlib.sha256(json.dumps([fields, plan.as_json]).encode()).hexdigest()
