"""What the demo's CRM keeps, in a file of its own: it plays another system, on another machine."""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.conf import settings

# Of more messages the oldest are forgotten.
MOST_MESSAGES = 200

# What the page can have the CRM answer, by status.
ANSWERS = {
    200: "It takes what comes.",
    503: "It is out of order.",
    410: "It wants nothing any more.",
}

_TABLES = """
CREATE TABLE IF NOT EXISTS message (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, contact TEXT NOT NULL,
    first_at TEXT NOT NULL, last_at TEXT NOT NULL, times INTEGER NOT NULL, problem TEXT NOT NULL,
    headers TEXT NOT NULL, body TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
# A message that comes again is the one that came before: that is what its id is for. The signature
# of the last time counts, so a message that was refused may come right.
_KEEP = """
INSERT INTO message (id, contact, first_at, last_at, times, problem, headers, body)
VALUES (:id, :contact, :at, :at, 1, :problem, :headers, :body)
ON CONFLICT (id) DO UPDATE SET times = times + 1, last_at = excluded.last_at,
    contact = excluded.contact, problem = excluded.problem,
    headers = excluded.headers, body = excluded.body
"""
_FORGET_OLDEST = """
DELETE FROM message
WHERE number <= (SELECT number FROM message ORDER BY number DESC LIMIT 1 OFFSET ?)
"""


class Kept(NamedTuple):
    """A message as the CRM has it.

    :ivar contact: the GUID that it names, or ""
    :ivar times: how often it came
    :ivar problem: why it was refused, or ""
    """

    id: str
    contact: str
    first_at: datetime
    last_at: datetime
    times: int
    problem: str
    headers: dict[str, str]
    body: str

    @property
    def content(self) -> dict[str, Any]:
        """The body, if it is an object in JSON; else nothing."""
        return read_object(self.body)


def read_object(body: str | bytes) -> dict[str, Any]:
    """The object that a body is in JSON; an empty one if it is none."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def keep(
    message_id: str, *, contact: str, problem: str, headers: Mapping[str, str], body: str
) -> None:
    """Keep a message, or note that it came again."""
    row = {
        "id": message_id,
        "contact": contact,
        "at": datetime.now(UTC).isoformat(),
        "problem": problem,
        "headers": json.dumps(dict(headers)),
        "body": body,
    }
    with _file() as file:
        file.execute(_KEEP, row)
        file.execute(_FORGET_OLDEST, [MOST_MESSAGES])


def forget_contact(guid: str) -> None:
    """Forget all messages about the contact with this GUID."""
    with _file() as file:
        file.execute("DELETE FROM message WHERE contact = ?", [guid])


def forget_everything() -> None:
    """Forget all messages, of whomever they are."""
    with _file() as file:
        file.execute("DELETE FROM message")


def messages() -> list[Kept]:
    """All that is kept, the message that came first last."""
    with _file() as file:
        rows = file.execute(
            "SELECT id, contact, first_at, last_at, times, problem, headers, body "
            "FROM message ORDER BY number DESC"
        ).fetchall()
    return [_read(row) for row in rows]


def secret() -> str:
    """The secret by which the CRM checks signatures; "" if nobody has told it one."""
    return _setting("secret") or ""


def set_secret(value: str) -> None:
    """Have signatures checked by this secret from now on."""
    _set("secret", value)


def answer() -> int:
    """The status with which the CRM answers messages; one of `ANSWERS`."""
    return int(_setting("answer") or 200)


def set_answer(status: int) -> None:
    """Have messages answered with this status from now on."""
    _set("answer", str(status))


@contextmanager
def _file() -> Iterator[sqlite3.Connection]:
    """The file, in a transaction that ends with the block; web processes share it."""
    settings.DATA_DIR.mkdir(parents=True, exist_ok=True)
    path = settings.DATA_DIR / "demo-crm.sqlite3"
    with closing(sqlite3.connect(path, timeout=5)) as connection, connection:
        connection.executescript(_TABLES)
        yield connection


def _read(row: tuple) -> Kept:
    first_at, last_at = (datetime.fromisoformat(text) for text in row[2:4])
    return Kept(row[0], row[1], first_at, last_at, row[4], row[5], json.loads(row[6]), row[7])


def _setting(name: str) -> str | None:
    with _file() as file:
        row = file.execute("SELECT value FROM setting WHERE name = ?", [name]).fetchone()
    return row[0] if row else None


def _set(name: str, value: str) -> None:
    with _file() as file:
        file.execute(
            "INSERT INTO setting VALUES (?, ?) "
            "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            [name, value],
        )
