"""The members of a static group from a file: a GUID or an email on each line."""

import codecs
import io
from collections.abc import Iterable, Mapping
from itertools import batched
from typing import IO, Any
from uuid import UUID

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError

from adminsite.audit import note
from contacts.emails import check_email
from contacts.resolving import follow_merged, live_ids, owners_of
from database.questions import ask
from groups.membership import NotStatic, add_members, remove_members
from groups.models import ContactGroup, MembershipEvent

_LINES = 2_000
_BYTES = 64 * 1024
_LONGEST_SHOWN = 250

_NO_GUID = "There is no contact with this GUID."
_NO_EMAIL = "There is no contact with this email."
_NEITHER = "This is neither a GUID nor an email."


class NoText(ValueError):
    """A file is not UTF-8; the message says where, for the user who has it."""


def text_of(file: IO[bytes]) -> io.TextIOWrapper:
    """The text of a file of members that can be read twice.

    All of it is looked at first: lines are taken in portions, and a file that turned out to be no
    text in the middle would be half applied.

    :raises NoText: if it is not UTF-8
    """
    decoder, position = codecs.getincrementaldecoder("utf-8")(), 0
    try:
        while part := file.read(_BYTES):
            decoder.decode(part)
            position += len(part)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        # The decoder counts from the first byte that it has not understood yet.
        kept = len(error.object) - len(part)
        raise NoText(f"This is not UTF-8 (byte {position - kept + error.start:,}).") from None
    file.seek(0)
    return io.TextIOWrapper(file, encoding="utf-8-sig")


def set_members(
    group: ContactGroup,
    lines: Iterable[str],
    *,
    remove: bool = False,
    by: User | None = None,
) -> dict[str, Any]:
    """Put the contacts of these lines into a static group, or take them out of it.

    A line is a GUID or an email, in any spelling; empty ones are skipped. A contact that was merged
    stands for its survivor. Return how many were `added` and `removed`, and of what was `rejected`
    the reason, by line.

    :raises NotStatic: if it is a dynamic group
    """
    if not group.static:
        raise NotStatic(f"{group.name} is a dynamic group: its rule decides who is in it.")
    cause = MembershipEvent.Cause.USER if by else MembershipEvent.Cause.CODE
    choose = remove_members if remove else add_members
    count = 0
    rejected: dict[str, str] = {}
    given = (stripped for line in lines if (stripped := line.strip().strip("\ufeff")))
    for chunk in batched(given, _LINES):
        found, problems = _resolve(chunk)
        rejected |= problems
        count += choose(group, list(found.values()), cause=cause, by=by)
    note(f"{'Removed' if remove else 'Added'} {count:,} contacts.", model=group, name=group.name)
    return {
        "added": 0 if remove else count,
        "removed": count if remove else 0,
        "rejected": rejected,
    }


def _resolve(lines: Iterable[str]) -> tuple[dict[str, int], dict[str, str]]:
    """The live contacts of these lines, and why the others lead to none."""
    guids: dict[str, UUID] = {}
    emails: list[str] = []
    problems: dict[str, str] = {}
    for line in lines:
        if guid := _as_guid(line):
            guids[line] = guid
        elif "@" not in line:
            problems[line[:_LONGEST_SHOWN]] = _NEITHER
        elif problem := _problem_of_email(line):
            problems[line[:_LONGEST_SHOWN]] = problem
        else:
            emails.append(line)
    contacts = _by_guid(guids.values())
    (owners,) = ask(owners_of(emails)) if emails else ({},)
    found: dict[str, int] = {}
    for line, guid in guids.items():
        _sort(line, contacts.get(guid), _NO_GUID, found, problems)
    for line in emails:
        _, contact_id = owners.get(line, ("", None))
        _sort(line, contact_id, _NO_EMAIL, found, problems)
    return found, problems


def _sort(
    line: str,
    contact_id: int | None,
    problem: str,
    found: dict[str, int],
    problems: dict[str, str],
) -> None:
    if contact_id is None:
        problems[line] = problem
    else:
        found[line] = contact_id


def _by_guid(guids: Iterable[UUID]) -> Mapping[UUID, int]:
    asked = list(guids)
    if not asked:
        return {}
    ((live, merged),) = ask(live_ids(asked))
    if merged:
        (survivors,) = ask(follow_merged(merged))
        live |= survivors
    return live


def _as_guid(line: str) -> UUID | None:
    try:
        return UUID(line)
    except ValueError:
        return None


def _problem_of_email(line: str) -> str:
    try:
        check_email(line)
    except ValidationError as error:
        return " ".join(error.messages)
    return ""
