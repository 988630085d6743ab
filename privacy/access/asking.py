"""Asks for access files, and gives the person a link to one."""

import secrets
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from adminsite.audit import note
from contacts.merging import lock_live
from contacts.models import Contact
from jobs.tasks import ring
from privacy.access import storing
from privacy.models.disclosures import AccessFile

JOB = "access files"

_Status = AccessFile.Status


@transaction.atomic
def make_access_file(
    contact: Contact, kind: AccessFile.Kind | str, by: User | None = None
) -> AccessFile:
    """Have a worker make a file of all that is known of the person, or of what they provided.

    While one of that kind is being made, that one is returned.

    :raises Contact.DoesNotExist: if the person was erased
    """
    (live,) = lock_live(contact.pk)
    kind = AccessFile.Kind(kind)
    waiting = AccessFile.objects.filter(contact=live, kind=kind, status=_Status.WAITING)
    # No other one can be asked for meanwhile: the contact is locked.
    if (file := waiting.order_by("pk").first()) is not None:
        return file
    file = AccessFile.objects.create(contact=live, kind=kind, requested_by=by)
    note(f"Asked for a file with personal data ({kind}).", model=file, by=by)
    ring(JOB)
    return file


@transaction.atomic
def cancel(file: AccessFile) -> bool:
    """Make the file no further; whether it was still being made."""
    rows = AccessFile.objects.select_for_update(of=("self",), no_key=True)
    locked = rows.filter(pk=file.pk, status=_Status.WAITING).first()
    if locked is None:
        return False
    storing.delete(locked.stored_as)
    locked.status, locked.finished_at, locked.stored_as = _Status.CANCELLED, timezone.now(), ""
    locked.save(update_fields=["status", "finished_at", "stored_as"])
    return True


@transaction.atomic
def delete_file(file: AccessFile, reason: str) -> bool:
    """Delete the file, and keep that there was one; whether there still was."""
    rows = AccessFile.objects.select_for_update(of=("self",), no_key=True)
    locked = rows.filter(pk=file.pk, status=_Status.READY).first()
    if locked is None:
        return False
    storing.delete(locked.stored_as)
    locked.status, locked.reason = _Status.DELETED, reason
    locked.stored_as = locked.link_key = ""
    locked.link_expires_at = None
    locked.save(update_fields=["status", "reason", "stored_as", "link_key", "link_expires_at"])
    return True


def make_link(file: AccessFile) -> bool:
    """Let the person download the file by a link, until it is deleted; a link of before ends.

    Whether the file is there.
    """
    ready = AccessFile.objects.filter(pk=file.pk, status=_Status.READY)
    given = {"link_key": secrets.token_hex(32), "link_expires_at": F("expires_at")}
    return bool(ready.filter(expires_at__gt=timezone.now()).update(**given))


def revoke_link(file: AccessFile) -> bool:
    """Have the link lead nowhere; whether there was one."""
    with_link = AccessFile.objects.filter(pk=file.pk).exclude(link_key="")
    return bool(with_link.update(link_key="", link_expires_at=None))


def kept_for() -> timedelta:
    """For how long a file is kept."""
    return timedelta(days=settings.ACCESS_FILES_KEPT_DAYS)
