"""What the page of an import shows: how far it is, what will happen, and what has become of it."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any
from urllib.parse import urlencode

from django.core import signing
from django.urls import reverse
from django.utils.text import capfirst

from adminsite.counting import say_count
from adminsite.formatting import changelist_url
from contacts.models import Contact
from contacts.profile import FIELDS
from exchange.importing.judging import Preview
from exchange.importing.taking_back import given_by
from exchange.importing.telling import examples_of
from exchange.models import Import, KeptByUndo

_Status = Import.Status
_PREVIEW = "exchange.preview"
KINDS = {
    _Status.UPLOADED: "neutral",
    _Status.CHECKING: "info",
    _Status.CHECKED: "primary",
    _Status.IMPORTING: "info",
    _Status.IMPORTED: "good",
    _Status.CANCELLED: "neutral",
    _Status.UNDOING: "info",
    _Status.PARTLY_UNDONE: "warning",
    _Status.UNDONE: "neutral",
    _Status.FAILED: "bad",
}
# Of each outcome: what a user calls it, and what it means for contacts and for activities.
_OUTCOMES = (
    ("create", "New", "A contact that the hub does not know yet.", "Recorded."),
    ("update", "Changed", "A contact that gets other values, or agrees.", "Recorded."),
    (
        "merge",
        "Joined",
        "Another row of a contact who is in the file before, or one that names two contacts.",
        "Recorded.",
    ),
    ("unchanged", "Unchanged", "The contact has all of this already.", "Recorded before."),
    ("reject", "Rejected", "The row stays out; the reason stands below.", "The row stays out."),
)
# What contacts have by an import besides fields: one of it, and several.
_GIVEN = {
    "tags": ("tag", "tags"),
    "groups": ("place in groups", "places in groups"),
    "identifiers": ("identifier", "identifiers"),
}
# So many of each are counted at once.
_MOST_GIVEN = 100_000
_DOING: dict[str, str] = {
    _Status.CHECKING: "Checking the file",
    _Status.IMPORTING: "Importing",
    _Status.UNDOING: "Undoing",
}


def page_of(import_: Import, *, may_change: bool) -> dict[str, Any]:
    """What the page of an import shows."""
    return {
        "import": import_,
        **progress_of(import_),
        "may_change": may_change,
        "will": import_.status == _Status.CHECKED,
        "outcomes": _outcomes(import_),
        "to_import": _to_import(import_),
        "errors": [_group(one) for one in import_.errors],
        "warnings": [_group(one) for one in import_.warnings],
        "may_map": may_change and import_.may_be_checked,
        "may_start": may_change and import_.may_be_imported,
        "may_undo": may_change and import_.may_be_undone,
        "consents": import_.told.get("consents", []),
        "tags": _tags(import_),
        "groups": import_.told.get("groups", []),
        "contacts_url": contacts_url(import_),
        "undone": _undone(import_),
        "urls": urls_of(import_),
    }


def progress_of(import_: Import) -> dict[str, Any]:
    """How far what goes on is."""
    total = import_.total
    return {
        "import": import_,
        "goes_on": import_.is_going_on,
        "doing": _DOING.get(import_.status, ""),
        "per_cent": min(100 * import_.position // total, 99) if total else None,
        "may_cancel": import_.may_be_cancelled,
        "urls": urls_of(import_),
    }


def preview_of(import_: Import, preview: Preview) -> dict[str, Any]:
    """What an undo would come to, as far as it is counted, and where the rest is counted.

    At the end it says as well what else the import has given.
    """
    total = max(_imported(import_), preview.seen, 1)
    so_far = signing.dumps(asdict(preview), salt=_PREVIEW, compress=True)
    return {
        "preview": preview,
        "per_cent": min(100 * preview.seen // total, 99),
        "reasons": kept_reasons(preview.kept),
        "given": _say_given(import_) if preview.is_all else "",
        "next_url": f"{urls_of(import_)['preview']}?{urlencode({'so_far': so_far})}",
    }


def read_preview(text: str) -> Preview:
    """What was counted before, as `preview_of` has written it; of any other text, nothing."""
    try:
        return Preview(**signing.loads(text, salt=_PREVIEW))
    except signing.BadSignature:
        return Preview()


def urls_of(import_: Import) -> dict[str, str]:
    """The addresses of what can be done with an import."""
    names = ("mapping", "read", "progress", "start", "cancel", "undo", "preview", "rejects", "kept")
    return {name: reverse(f"admin:exchange_import_{name}", args=[import_.pk]) for name in names}


def contacts_url(import_: Import) -> str:
    """The list of the contacts that an import has made or changed; "" if it has none."""
    done = import_.done or {}
    is_of_contacts = import_.kind == Import.Kind.CONTACTS
    if not is_of_contacts or not (done.get("create") or done.get("update") or done.get("merge")):
        return ""
    return changelist_url(Contact, f"import={import_.pk}")


def kept_reasons(kept: Mapping[str, int]) -> list[tuple[str, int]]:
    """Why an undo leaves contacts alone, in words, with how many they are."""
    labels = dict(KeptByUndo.Reason.choices)
    return [(str(labels.get(reason, reason)), count) for reason, count in kept.items() if count]


def _outcomes(import_: Import) -> list[dict[str, Any]]:
    """Of each outcome how many rows have it, with examples as long as the rows are there."""
    is_over = import_.started_at is not None
    counts = (import_.done if is_over else import_.counts) or {}
    if not counts:
        return []
    is_of_contacts = import_.kind == Import.Kind.CONTACTS
    return [
        {
            "name": name,
            "label": label,
            "said": of_contacts if is_of_contacts else of_activities,
            "count": counts.get(name, 0),
            "examples": _examples(import_, name) if counts.get(name) else [],
        }
        for name, label, of_contacts, of_activities in _OUTCOMES
        if is_of_contacts or name not in ("update", "merge")
    ]


def _tags(import_: Import) -> dict[str, Any]:
    """The tags in the rows of an import: how many are new and known, and the most frequent."""
    tags = import_.told.get("tags")
    if not tags:
        return {}
    return {**tags, "more": max(tags["new"] + tags["known"] - len(tags["names"]), 0)}


def _examples(import_: Import, outcome: str) -> list[dict[str, Any]]:
    if import_.status not in (_Status.CHECKED, _Status.FAILED):
        return []
    return [
        {
            "row": one.row,
            "label": one.label,
            "note": one.note,
            "url": _contact_url(one.contact_id),
            "fields": [
                (field_title(name), one.before.get(name, ""), after)
                for name, after in one.after.items()
            ],
        }
        for one in examples_of(import_, outcome)
    ]


def _contact_url(contact_id: int | None) -> str:
    return reverse("admin:contacts_contact_change", args=[contact_id]) if contact_id else ""


def field_title(name: str) -> str:
    """What users call the field `name` of contacts; what is none is called as it is."""
    field = Contact._meta.get_field(name) if name in FIELDS else None
    return capfirst(str(getattr(field, "verbose_name", name)))


def _group(problem: Mapping[str, Any]) -> dict[str, Any]:
    shown = len(problem.get("examples", ()))
    return {**problem, "more": max(problem.get("count", 0) - shown, 0)}


def _say_given(import_: Import) -> str:
    """What an import has given besides fields, in words; "" if that is nothing."""
    given = given_by(import_, _MOST_GIVEN)
    return ", ".join(
        f"{say_count(count, _MOST_GIVEN)} {_GIVEN[what][count > 1]}"
        for what, count in given.items()
    )


def _imported(import_: Import) -> int:
    done = import_.done or {}
    return sum(done.get(name, 0) for name in ("create", "update", "merge"))


def _to_import(import_: Import) -> int:
    counts = import_.counts or {}
    return sum(counts.get(name, 0) for name in ("create", "update", "merge"))


def _undone(import_: Import) -> dict[str, Any]:
    undone = import_.undone or {}
    return {**undone, "reasons": kept_reasons(undone.get("kept", {}))} if undone else {}
