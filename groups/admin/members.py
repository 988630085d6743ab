"""Members by hand, from files, and into files."""

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.files.uploadedfile import UploadedFile
from django.db import connection
from django.http import HttpRequest, StreamingHttpResponse
from django.utils import timezone
from django.utils.text import capfirst

from adminsite.harmless import harmless
from adminsite.permissions import user_of
from adminsite.searching import as_id
from contacts.models import Contact
from groups.admin.page import memberships_of
from groups.compiling import members as matching
from groups.lists import NoText, set_members, text_of
from groups.membership import add_members, remove_members
from groups.models import ContactGroup, MembershipEvent
from groups.rules import Tree

_COLUMNS = ("guid", "email", "first_name", "last_name", "company_name", "country")
_CHUNK = 2_000
# A line that is longer is neither an email nor a GUID.
_LONGEST_LINE = 1_000
# So many rejects are shown; the rest is counted.
_SHOWN_REJECTS = 100


def choose(request: HttpRequest, group: ContactGroup) -> tuple[int, str]:
    """Add the contact that the user chose to a list, or remove it; a message and its level."""
    asked = as_id(request.POST.get("contact", ""))
    contact = Contact.objects.filter(pk__in=[] if asked is None else [asked]).first()
    if contact is None:
        return messages.ERROR, "There is no such contact any more."
    cause, by = MembershipEvent.Cause.USER, user_of(request)
    if request.POST.get("do") == "remove":
        count = remove_members(group, [contact.pk], cause=cause, by=by)
        text = "is not in the group any more" if count else "was not in the group"
    else:
        count = add_members(group, [contact.pk], cause=cause, by=by)
        text = "is in the group now" if count else "was in it before"
    return messages.SUCCESS, f"{contact} {text}."


def fill(group: ContactGroup, tree: Tree, by: User) -> int:
    """Put the contacts who match a rule now into a list; the number of them."""
    statement = matching(tree, now=timezone.now())
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT contact_id FROM ({statement.sql}) AS matched WHERE holds",  # noqa: S608
            statement.params,
        )
        ids = [contact_id for (contact_id,) in cursor.fetchall()]
    return add_members(group, ids, cause=MembershipEvent.Cause.USER, by=by)


def upload(request: HttpRequest, group: ContactGroup) -> dict[str, Any]:
    """Add the contacts of a file to a list, or remove them; what came of it, for the page.

    `error` says why the file could not be read; else there are `added`, `removed` and `rejected`.
    """
    file = request.FILES.get("file")
    if not isinstance(file, UploadedFile):
        return {"error": "Choose a file first."}
    try:
        text = text_of(file)
    except NoText:
        return {"error": "The file is no text in UTF-8. Save it as “CSV UTF-8”, and try again."}
    found = set_members(
        group,
        _first_cells(text),
        remove=request.POST.get("do") == "remove",
        by=user_of(request),
    )
    rejected = found["rejected"]
    return {
        **found,
        "rejected": list(rejected.items())[:_SHOWN_REJECTS],
        "rejected_count": len(rejected),
    }


def _first_cells(lines: io.TextIOWrapper) -> Iterator[str]:
    """The first cell of each line, so that a downloaded CSV can be uploaded again."""
    while line := lines.readline(_LONGEST_LINE):
        cell = line.replace(";", ",").replace("\t", ",").split(",")[0].strip().strip('"').strip()
        # The heads of our own columns are no contacts.
        yield "" if cell.lower() in _COLUMNS else cell


def download(group: ContactGroup) -> StreamingHttpResponse:
    """All members as a CSV that spreadsheets open without running anything in it."""
    name = f"{group.code_name}-{timezone.localdate():%Y-%m-%d}.csv"
    return StreamingHttpResponse(
        _csv(group),
        content_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        },
    )


def _csv(group: ContactGroup) -> Iterator[str]:
    yield _lines([[*_COLUMNS, "since"]])
    rows = memberships_of(group).order_by("contact_id")
    fields = ["contact_id", *(f"contact__{name}" for name in _COLUMNS), "since"]
    last = 0
    while found := list(rows.filter(contact_id__gt=last).values_list(*fields)[:_CHUNK]):
        last = found[-1][0]
        yield _lines(
            [*(harmless(str(cell)) for cell in cells), since.isoformat()]
            for _, *cells, since in found
        )


def _lines(rows: Iterable[list[str]]) -> str:
    lines = io.StringIO()
    csv.writer(lines).writerows(rows)
    return lines.getvalue()


def said_of_upload(found: dict[str, Any]) -> tuple[int, str]:
    """What came of a file in one sentence, and its level."""
    if "error" in found:
        return messages.ERROR, found["error"]
    parts = [f"{found['added']:,} added"] if found["added"] else []
    parts += [f"{found['removed']:,} removed"] if found["removed"] else []
    text = capfirst(", ".join(parts) or "nobody was added or removed")
    if not found["rejected_count"]:
        return messages.SUCCESS, f"{text}."
    count = found["rejected_count"]
    rejected = "1 line was" if count == 1 else f"{count:,} lines were"
    return messages.WARNING, f"{text}; {rejected} rejected."
