"""Files: a line of JSON for each message, in a file for each hour of a folder.

With the extra `parquet`, the file of an hour becomes one of Parquet when the hour is over.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings

from destinations.http import Client
from destinations.kinds import parquet
from destinations.kinds.appending import OPEN, Busy, HourlyFiles
from destinations.kinds.base import DestinationKind, Option
from destinations.kinds.batches import as_bytes
from destinations.kinds.checks import InvalidDestination
from destinations.kinds.forgetting import forget_erased, note_erased
from destinations.messages import Message
from destinations.models import Destination
from destinations.outcomes import Outcome, Result
from destinations.signing import id_of
from destinations.threads import in_own_thread

if TYPE_CHECKING:
    from destinations.models import Delivery

_log = logging.getLogger(__name__)

# Below DATA_DIR: other folders there are the hub's own.
BASE = "destinations"
FORMATS = ("ndjson", "parquet")
_FOLDER = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*")
_LONGEST_FOLDER = 100


class Files(DestinationKind):
    """Files for each hour, in a folder of the machine on which the worker runs."""

    type = "file"
    has_url = False
    most_at_once = 2_000
    most_bytes = 8_000_000
    options = (
        Option(
            "folder",
            "folder",
            f"The files are in this folder below “{BASE}” of the hub's data, such as crm or "
            "warehouse/events. It stays once the destination has deliveries.",
            why_fixed="It has deliveries, so that stays: contacts who are erased are taken out of "
            "the files in this folder alone. Add another destination.",
        ),
        Option(
            "format",
            "format",
            "ndjson, a line of JSON for each message (the usual one), or parquet.",
            is_required=False,
        ),
    )

    def check(self, destination: Destination) -> None:
        super().check(destination)
        folder = destination.options["folder"]
        if len(folder) > _LONGEST_FOLDER or not _FOLDER.fullmatch(folder):
            raise InvalidDestination(
                "options",
                "A folder is named by letters, digits, hyphens and dots, and lies below the hub's "
                f"data: such as crm or warehouse/events. At most {_LONGEST_FOLDER} characters.",
                "folder",
            )
        form = format_of(destination)
        if form not in FORMATS:
            raise InvalidDestination(
                "options", f"This has to be one of: {', '.join(FORMATS)}.", "format"
            )
        if form == "parquet" and not parquet.is_there():
            raise InvalidDestination("options", parquet.MISSING, "format")

    def payload(self, destination: Destination, message: Message) -> dict[str, Any]:
        return message.as_json()

    def erasure(self, destination: Destination, message: Message) -> dict[str, Any]:
        # A line like the others, for programs that have read the files before.
        return message.as_json()

    async def send(
        self, destination: Destination, deliveries: Sequence[Delivery], client: Client
    ) -> dict[UUID, Outcome]:
        # What is written is written: an end of the worker waits for it, and the outcomes are kept.
        writing = asyncio.ensure_future(
            in_own_thread(lambda: _write(destination, deliveries), name="destination files")
        )
        try:
            outcome = await asyncio.shield(writing)
        except asyncio.CancelledError:
            outcome = await writing
        return dict.fromkeys((one.message_id for one in deliveries), outcome)


def format_of(destination: Destination) -> str:
    """The format of the files, one of `FORMATS`."""
    return str(destination.options.get("format") or FORMATS[0])


def folder_of(destination: Destination) -> Path:
    """Where the files of a destination are."""
    return Path(settings.DATA_DIR) / BASE / str(destination.options["folder"])


def finish_files() -> None:
    """Take erased contacts out of the files of every folder, and make Parquet of hours that are
    over.

    :raises OSError: if a file cannot be written
    """
    for folder in sorted({folder_of(one) for one in Destination.objects.filter(type=Files.type)}):
        if folder.is_dir():
            forget_erased(folder)
            if parquet.is_there():
                parquet.finish(folder)


def _write(destination: Destination, deliveries: Sequence[Delivery]) -> Outcome:
    is_parquet = format_of(destination) == "parquet"
    if is_parquet and not parquet.is_there():
        return Outcome(Result.FAILED, error=parquet.MISSING)
    folder = folder_of(destination)
    ending, finished = (OPEN, {".parquet": parquet.ids_in}) if is_parquet else (".ndjson", {})
    files = HourlyFiles(folder, destination.code_name, ending, finished)
    lines = {
        id_of(one.message_id): as_bytes({"id": id_of(one.message_id), **(one.payload or {})})
        for one in deliveries
    }
    # A worker may have died after it had written them.
    again = [one for one in deliveries if one.attempts > 1]
    since = min((one.created_at for one in again), default=None)
    payloads = [one.payload or {} for one in deliveries]
    erased = {one["contact"]["guid"] for one in payloads if one.get("type") == "erasure"}
    try:
        if erased:
            note_erased(folder, erased)
        files.append(lines, maybe_there={id_of(one.message_id) for one in again}, since=since)
    except Busy:
        return Outcome(Result.FAILED, error="Another worker was writing for too long.")
    except OSError as error:
        return Outcome(Result.FAILED, error=f"The file cannot be written: {error.strerror}.")
    except Exception:
        _log.exception("The files of destination %s cannot be written.", destination.pk)
        return Outcome(
            Result.FAILED,
            error="The file cannot be written: this is a mistake of the hub, whose log says more.",
        )
    return Outcome(Result.DELIVERED)
