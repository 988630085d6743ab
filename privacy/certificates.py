"""Writing certificates of erasures, and the lines of the file of erasures that go with them.

An erasure tells it twice, each time last in a transaction: when it has taken the person's names
out of the database, and when nothing of the person is left. What is told first goes into the file
of erasures; of what is told at the end a certificate is made, which goes into the file, too.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from contacts.erased_names import Names
from contacts.erasures import Erased
from contacts.models import Erasure
from destinations.leaving import requests_to_delete
from privacy.erasure_file import Line, append, line_of
from privacy.models import Certificate, ErasureLine
from privacy.models.certificates import as_text
from privacy.redacting import without_names
from privacy.sealing import fingerprint

_API = "api"
_WITHOUT_NAME = "An application, over /api/3"
# Nothing else adds a certificate until the transaction ends: one number, one certificate.
_LOCK = "LOCK TABLE privacy_certificate IN SHARE ROW EXCLUSIVE MODE"

_because: ContextVar[str] = ContextVar("because", default="")


@contextmanager
def because(reason: str) -> Iterator[None]:
    """Erasures that are begun within it have this reason, in words, on their certificates."""
    token = _because.set(reason)
    try:
        yield
    finally:
        _because.reset(token)


def note_beginning(erased: Erased, reason: str, by: User | None) -> None:
    """Add an erasure to the file, last in the transaction in which the person loses their names.

    :raises CannotWrite: if that cannot be; then nothing may be erased
    """
    names = as_names(erased.names.digests())
    content = {
        "at": as_text(timezone.now()),
        "key": fingerprint(),
        "names": names,
        "erasure": erased.erasure_id,
    }
    line = line_of("erasure", content)
    said = without_names(_because.get(), erased) or Erasure.Reason(reason).label
    ErasureLine.objects.create(
        hash=line.hash,
        content=line.content,
        seal=line.seal,
        erasure_id=erased.erasure_id,
        user=by,
        by=_name_of(by, reason),
        reason=said,
    )
    append(line)


def certify(erased: Erased, reason: str, by: User | None) -> None:
    """Write the certificate of an erasure, last in the transaction that ends it.

    :raises CannotWrite: if the file of erasures cannot be written
    """
    begun = _begun(erased.erasure_id)
    add(
        Certificate(
            at=timezone.now(),
            began_at=datetime.fromisoformat(begun.content["at"]) if begun else erased.requested_at,
            user=by,
            by=(begun.by if begun else "") or _name_of(by, reason),
            reason=(begun.reason if begun else "") or Erasure.Reason(reason).label,
            source=reason,
            names=begun.content["names"] if begun else as_names(erased.names.digests()),
            people=erased.people,
            tables=dict(sorted(erased.counts.items())),
            destinations=_told(erased.guids),
            line=begun.hash if begun else "",
        )
    )


def add(certificate: Certificate) -> None:
    """Put a certificate at the end of the chain, and into the file of erasures.

    :raises CannotWrite: if the file cannot be written; the transaction has to be rolled back then
    """
    with connection.cursor() as cursor:
        cursor.execute(_LOCK)
    last = Certificate.objects.order_by("-number").only("number", "hash").first()
    certificate.number = last.number + 1 if last else 1
    certificate.previous = last.hash if last else ""
    certificate.key = fingerprint()
    line = line_of_certificate(certificate)
    certificate.hash, certificate.seal = line.hash, line.seal
    certificate.save(force_insert=True)
    append(line)


def certificate_of(guid: object) -> Certificate | None:
    """The newest certificate of an erasure of a contact with this GUID."""
    [name] = as_names(Names(guids=[str(guid)]).digests())
    return Certificate.objects.filter(names__contains=[name]).order_by("-number").first()


def certificate_of_erasure(erasure_id: int) -> Certificate | None:
    """The certificate of an erasure, by the id of its `contacts.Erasure`; None before it ends."""
    lines = ErasureLine.objects.filter(erasure_id=erasure_id)
    return Certificate.objects.filter(line__in=lines.values("hash")).order_by("-number").first()


def line_of_certificate(certificate: Certificate) -> Line:
    """The line that the file of erasures has of it."""
    return line_of("certificate", certificate.content)


def as_names(digests: Iterable[tuple[str, str]]) -> list[str]:
    """Keyed hashes of names as lines and certificates have them: after their kind, in order."""
    return sorted(f"{kind}:{digest}" for kind, digest in digests)


def as_digests(names: Iterable[str]) -> set[tuple[str, str]]:
    """The reverse of `as_names`."""
    pairs = (name.partition(":") for name in names)
    return {(kind, digest) for kind, _, digest in pairs}


def _begun(erasure_id: int) -> ErasureLine | None:
    """The line with which an erasure began; the last one, if it began again."""
    lines = ErasureLine.objects.filter(erasure_id=erasure_id)
    return lines.order_by("-added_at").first()


def _told(guids: list[str]) -> list[dict[str, Any]]:
    """The destinations that were asked to delete the person, and those that could not be."""
    told = {}
    for request in requests_to_delete(guids):
        told[request.destination.pk] = {
            "name": request.destination.name,
            "code_name": request.destination.code_name,
            "asked": not request.is_left_to_users,
            "why": request.reason if request.is_left_to_users else "",
        }
    return list(told.values())


def _name_of(user: User | None, reason: str) -> str:
    if user is not None:
        return user.get_username()
    if reason == _API:
        return _WITHOUT_NAME
    program = connection.settings_dict["OPTIONS"].get("application_name", "") or "python"
    # Commands have the name of the user of the operating system.
    return f"Command line: {program}" if program.endswith(")") else f"The hub: {program}"
