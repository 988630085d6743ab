"""Gives a file out: who took it, and how, is kept."""

from http import HTTPStatus
from urllib.parse import quote

from django.contrib.auth.models import User
from django.db.models import F
from django.db.models.functions import Now
from django.http import FileResponse

from adminsite.audit import note
from privacy.access import storing
from privacy.models.disclosures import AccessFile

# Nobody keeps a copy on the way, finds it, or is told its address by a link.
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
}


class FileGone(Exception):
    """The file is not on this machine, although it should be."""


def download(file: AccessFile, *, by: User | None = None, by_link: bool = False) -> FileResponse:
    """The file as an attachment, always whole; it is counted, and noted in the audit log.

    :raises FileGone: if it is not there
    """
    try:
        opened = storing.path_of(file.stored_as).open("rb")
    except (FileNotFoundError, IsADirectoryError):
        raise FileGone from None
    rows = AccessFile.objects.filter(pk=file.pk)
    if by_link:
        rows.update(link_downloads=F("link_downloads") + 1, link_used_at=Now())
        note("Downloaded by the link for the person.", model=file)
    else:
        rows.update(downloads=F("downloads") + 1, downloaded_at=Now(), downloaded_by=by)
        note("Downloaded the file.", model=file, by=by)
    # A part of it would tell nobody whether it is the file whose hash is known.
    headers = {**HEADERS, "Accept-Ranges": "none", "ETag": f'"{quote(file.sha256)}"'}
    return FileResponse(
        opened,
        as_attachment=True,
        filename=file.name,
        content_type="application/zip",
        status=HTTPStatus.OK,
        headers=headers,
    )
