"""Names of erased people that may be used again, in the file of erasures, so that it stays so.

Who agrees anew has their names back. A backup of before knows nothing of it: after its restore,
these names would be refused again, and the person, who has answered, would not be asked again.

A line is written once the lift has committed. If the hub dies between the two, a restore has the
names refused again: the safe mistake of the two.
"""

import logging
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from contacts.erased_names import lift_digests, register_lift_witness
from privacy.certificates import as_digests, as_names
from privacy.erasure_file import CannotWrite, Line, append, line_of
from privacy.models.certificates import as_text
from privacy.sealing import fingerprint

_log = logging.getLogger(__name__)


def register() -> None:
    """Have lifts be written to the file."""
    register_lift_witness(_write_later)


def lifted_names(lines: Iterable[Line]) -> dict[str, datetime]:
    """The names whose last word in the file is a lift, and when that was.

    An erasure since then takes it back. What this hub has not sealed does not count.
    """
    lines = list(lines)
    lifts = [line for line in lines if line.kind == "lift" and line.is_ours]
    lifted: dict[str, str] = {}
    for line in lifts:
        for name in line.content["names"]:
            lifted[name] = max(lifted.get(name, ""), line.content["at"])
    if not lifted:
        return {}
    for line in lines:
        if line.kind == "erasure":
            for name in lifted.keys() & set(line.content.get("names", ())):
                # Of two at the same moment the erasure counts.
                if line.is_ours and line.content["at"] >= lifted[name]:
                    del lifted[name]
    return {name: datetime.fromisoformat(at) for name, at in lifted.items()}


def lift_again(lifted: Mapping[str, datetime], refused_again: Iterable[str]) -> int:
    """Lift names again that a backup has brought back as refused; how many hashes are gone.

    :param lifted: what `lifted_names` says
    :param refused_again: names that are refused since just now, as contacts were erased again
    """
    again = set(refused_again)
    return lift_digests(
        {
            pair: None if name in again else at
            for name, at in lifted.items()
            for pair in as_digests([name])
        }
    )


def _write_later(pairs: Collection[tuple[str, str]]) -> None:
    content = {"at": as_text(timezone.now()), "key": fingerprint(), "names": as_names(pairs)}
    transaction.on_commit(lambda: _write(line_of("lift", content)))


def _write(line: Line) -> None:
    try:
        append(line)
    except CannotWrite:
        # The person has agreed, and is answered. What is lost shows only after a restore.
        _log.exception("That names of erased people may be used again is not in the file.")
