"""The link by which a person downloads the file about them: signed, and it ends."""

from datetime import timedelta

from django.conf import settings
from django.core.signing import BadSignature, TimestampSigner
from django.utils.crypto import constant_time_compare

from privacy.models.disclosures import AccessFile

# As `config/urls.py` and `privacy/access/urls.py` have it.
_PATH = "/privacy/file/"
_SEPARATOR = "."


class BadLink(ValueError):
    """An address that the hub has not made."""


class EndedLink(ValueError):
    """A link whose time is over, that was revoked, or whose file is gone."""


def link_to_file(file: AccessFile) -> str:
    """The address of the link that `make_link` has allowed; "" if there is none."""
    if not file.has_link:
        return ""
    return f"{settings.PUBLIC_URL}{_PATH}{_signer().sign(f'{file.pk}-{file.link_key}')}"


def file_of(token: str) -> AccessFile:
    """The file to which a link with this token leads now.

    :raises BadLink: if the hub has not made the token
    :raises EndedLink: if it leads nowhere any more
    """
    try:
        # Of one whose row is gone, such as after an erasure, only this says when it ended.
        value = _signer().unsign(token, max_age=timedelta(days=settings.ACCESS_FILES_KEPT_DAYS))
    except BadSignature as error:
        # Also one whose time is over is made by the hub: its signature holds.
        raise (EndedLink if _is_signed(token) else BadLink) from error
    pk, _, key = value.partition("-")
    file = AccessFile.objects.filter(pk=int(pk)).first()
    # Compared also where there is no file, and in a time that does not tell how much is right.
    known = file.link_key if file is not None and file.has_link else ""
    if not constant_time_compare(known, key) or file is None:
        raise EndedLink
    return file


def _is_signed(token: str) -> bool:
    try:
        _signer().unsign(token)
    except BadSignature:
        return False
    return True


def _signer() -> TimestampSigner:
    return TimestampSigner(sep=_SEPARATOR, salt="privacy.access.links")
