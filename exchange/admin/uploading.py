"""The page that takes a file, and the reading of it."""

from pathlib import Path
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from unfold.widgets import UnfoldAdminSelectWidget

from channels.models import Channel
from exchange.admin.targets import consent_names
from exchange.importing import staging
from exchange.importing.acting import CannotImport
from exchange.importing.errors import CannotRead
from exchange.importing.mapping import is_target
from exchange.importing.prepared import seen_in
from exchange.importing.preparing import prepare
from exchange.importing.proposing import field_of, propose
from exchange.importing.storing import (
    KeepUpload,
    StoredFile,
    ensure_kept,
    forget_raw,
    new_name,
    raw_of,
    too_large,
)
from exchange.models import Import, RememberedMapping

_LONGEST_NAME = 250
# What is not known any more of a file that is read anew: the check was of the rows of before.
_UNCHECKED: dict[str, Any] = {
    "status": Import.Status.UPLOADED,
    "checked_at": None,
    "counts": {},
    "told": {},
    "errors": [],
    "warnings": [],
    "reason": "",
    "staged_as": "",
}


class UploadForm(forms.Form):
    """Asks for a file, and what its rows are."""

    kind = forms.ChoiceField(
        label="What the rows are",
        choices=Import.Kind.choices,
        widget=forms.RadioSelect,
        initial=Import.Kind.CONTACTS,
    )
    channel = forms.ModelChoiceField(
        Channel.objects.order_by("name"),
        label="Channel",
        required=False,
        help_text="For activities: the channel that they are recorded in.",
        widget=UnfoldAdminSelectWidget(),
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("kind") == Import.Kind.ACTIVITIES and not cleaned.get("channel"):
            self.add_error("channel", "Choose the channel that the activities are recorded in.")
        if cleaned.get("kind") == Import.Kind.CONTACTS:
            cleaned["channel"] = None
        return cleaned


def receive(request: HttpRequest) -> KeepUpload:
    """Have the file of the form written to disk as it comes. Called before the form is read."""
    keeper = KeepUpload(request)
    request.upload_handlers = [keeper]
    return keeper


def take(request: HttpRequest, form: UploadForm, keeper: KeepUpload, by: User) -> Import:
    """Make an import of the file that was sent.

    :raises CannotRead: if there is none, or it is no table; nothing of it stays
    """
    file = request.FILES.get("file")
    if keeper.problem:
        raise CannotRead(keeper.problem)
    if not isinstance(file, StoredFile):
        raise CannotRead("Choose a file first.")
    try:
        told = prepare(raw_of(file.path), file.path)
    except CannotRead:
        forget_raw(file.path)
        raise
    kind = form.cleaned_data["kind"]
    return Import.objects.create(
        kind=kind,
        channel=form.cleaned_data["channel"],
        name=(file.name or "file")[-_LONGEST_NAME:],
        path=file.path.name,
        sheet=told["sheet"][:_LONGEST_NAME],
        size=file.size or 0,
        sha256=file.sha256,
        headers=told["headers"],
        mapping=proposed(kind, told["headers"], told["columns"]),
        by=by,
    )


def read_again(import_: Import, options: dict[str, Any]) -> None:
    """Read the file of an import in another way: another sheet, encoding, with or without headers.

    What a check has found is forgotten, so that nothing is imported before the next one.

    :raises CannotRead: if it cannot be read so; it stays as it was
    :raises CannotImport: if it may not be checked any more once it is read; it stays as it is
    """
    path = ensure_kept(import_.file)
    raw = ensure_kept(raw_of(path))
    # Reading takes long, and another tab may do the same meanwhile.
    beside = path.with_name(new_name())
    told = prepare(raw, beside, **options)
    became = _UNCHECKED | {
        "sheet": told["sheet"][:_LONGEST_NAME],
        "headers": told["headers"],
        "mapping": proposed(import_.kind, told["headers"], told["columns"]),
    }
    try:
        staged_as = _replace(import_, beside, became)
    finally:
        beside.unlink(missing_ok=True)
    staging.drop(staged_as)
    import_.refresh_from_db()


@transaction.atomic
def _replace(import_: Import, table: Path, became: dict[str, Any]) -> str:
    """Let an import have this table, and become so; returns where the rows of its check are staged.

    :raises CannotImport: if it may not be checked any more
    """
    rows = Import.objects.select_for_update(of=("self",), no_key=True)
    found = rows.filter(pk=import_.pk).first()
    if found is None or not found.may_be_checked or found.file is None:
        raise CannotImport(
            "This file cannot be read in another way any more: it is being checked, or was "
            "imported, cancelled or deleted."
        )
    Import.objects.filter(pk=found.pk).update(**became)
    table.replace(found.file)
    return found.staged_as


def proposed(kind: str, headers: list[str], columns: list[dict[str, Any]]) -> dict[str, Any]:
    """The mapping that was chosen for these columns the last time, else one by their names."""
    remembered = RememberedMapping.find(kind, headers)
    found = propose(
        columns,
        kind=kind,
        consents=consent_names(),
        remembered=remembered.mapping if remembered else None,
    )
    # What was remembered may be a consent that is gone, or a column that something was for once.
    return {
        name: target
        for name, target in found.items()
        if name == "" or is_target(field_of(target), kind)
    }


def seen_of(import_: Import) -> dict[str, Any]:
    """What was seen in the rows of an import's file.

    :raises CannotRead: if the file is not there any more
    """
    return seen_in(ensure_kept(import_.file))


def limits() -> dict[str, Any]:
    """What the page says of how large a file may be."""
    return {
        "most_bytes": settings.IMPORT_MAX_MB * 1_000_000,
        "most_megabytes": settings.IMPORT_MAX_MB,
        "too_large": too_large(),
    }


def is_waiting(path: Path | None) -> bool:
    """Whether the file as it came is still there, so that it can be read in another way."""
    return path is not None and raw_of(path).exists()


def today() -> str:
    """The day, for names of files."""
    return f"{timezone.localdate():%Y-%m-%d}"
