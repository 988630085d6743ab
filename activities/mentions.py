"""Lines of the inspector that name a person, and what of their payload is that person's.

The payload of a line may be a whole request, about many people. What names this person, and
nobody else, is theirs; of a list in which an element names them, only such elements.
"""

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl, quote, unquote

import msgspec
from django.contrib.postgres.search import SearchQuery, SearchVector

from activities.inspector import without_escapes, words_of
from activities.models import RejectedActivity
from contacts.names_in_texts import Others, as_compared, is_of, names_in, replaced, texts_in
from contacts.telling import Person

LEFT_OUT = "[left out: it names other people, too]"
_DEEPEST = 50


def lines_about(person: Person) -> set[int]:
    """The ids of the lines that came under a GUID of this person, or name them in the payload."""
    spellings = {guid for one in person.guids for guid in (one, one.upper())}
    own = RejectedActivity.objects.filter(contact_guid__in=spellings)
    found = set(own.values_list("pk", flat=True))
    without_hyphens = [guid.replace("-", "") for guid in person.guids]
    for name in (*person.guids, *without_hyphens, *person.emails):
        found |= lines_with(name)
    return found


def emails_in(payload: bytes) -> list[str]:
    """What looks like an email in a payload."""
    return [name for name in names_in(_plain(payload)) if "@" in name]


class OwnParts:
    """What of the payloads of some lines is about one person.

    Of emails all that are not the person's are another's; of GUIDs those of other contacts, since
    applications have GUIDs for much else.
    """

    def __init__(self, person: Person, payloads: Iterable[bytes]):
        self._person = person
        self._others = Others(person)
        self._others.learn({name for one in payloads for name in names_in(_plain(one))})

    def of(self, payload: bytes, *, is_own: bool) -> Any:
        """The part of a payload; None if it has none.

        :param is_own: whether the line came under a GUID of the person
        """
        text = bytes(payload).decode(errors="replace")
        value = _parsed(text)
        if value is not None:
            return self._part(value, is_own=is_own, depth=0)
        if not text:
            return None
        names_them, names_others = self._names(_plain(payload))
        if names_others or not (is_own or names_them):
            return LEFT_OUT
        return text

    def without_others(self, text: str) -> str:
        """`text` in which no other person is named."""
        return replaced(text, self._is_other)

    def _is_other(self, name: str) -> bool:
        if is_of(self._person, name):
            return False
        return "@" in as_compared(name) or self._others.is_other(name)

    def _part(self, value: Any, *, is_own: bool, depth: int) -> Any:
        if depth > _DEEPEST:
            return LEFT_OUT
        if isinstance(value, list):
            return self._elements(value, is_own=is_own, depth=depth)
        if isinstance(value, dict):
            return self._members(value, is_own=is_own, depth=depth)
        if not is_own:
            return None
        return self.without_others(value) if isinstance(value, str) else value

    def _elements(self, value: list, *, is_own: bool, depth: int) -> Any:
        named = [(one, *self._names(one)) for one in value]
        if any(names_them for _, names_them, _ in named):
            kept = [(one, False) for one, names_them, _ in named if names_them]
        elif is_own:
            kept = [(one, True) for one, _, names_others in named if not names_others]
        else:
            return None
        parts = [self._part(one, is_own=own, depth=depth + 1) for one, own in kept]
        return [part for part in parts if part is not None] or None

    def _members(self, value: dict, *, is_own: bool, depth: int) -> Any:
        """The members of an object: all that names nobody else, if the object is this person's.

        It is if it names them beside its lists, which may have an element for each of many people.
        What has another's email or GUID as a member is a mixture: only what names them is kept.
        """
        is_own = is_own or self._names(_beside_lists(value))[0]
        is_mixed = any(self._is_name_of_other(one) for one in value.values())
        parts: dict[str, Any] = {}
        for name, one in value.items():
            if isinstance(one, dict):
                names_them, names_others = self._names(_beside_lists(one))
                if names_others and not names_them:
                    continue
            elif is_mixed and not self._names(one)[0]:
                continue
            part = self._part(one, is_own=is_own, depth=depth + 1)
            if part is not None:
                parts[self.without_others(name)] = part
        return parts or None

    def _is_name_of_other(self, value: Any) -> bool:
        if not isinstance(value, str):
            return False
        return any(name == value.strip() and self._is_other(name) for name in names_in(value))

    def _names(self, value: Any) -> tuple[bool, bool]:
        """Whether `value` names the person, and whether it names anybody else."""
        found = [name for text in texts_in(value) for name in names_in(text)]
        return (
            any(is_of(self._person, name) for name in found),
            any(self._is_other(name) for name in found),
        )


def lines_with(name: str, *, most: int | None = None) -> set[int]:
    """The ids of the lines with this email or GUID, as a whole, in the payload.

    :param most: how many of the newest lines with the same words are looked at, in each spelling
    """
    likely = RejectedActivity.objects.alias(words=SearchVector("payload_text", config="simple"))
    # With the words alone, ann@example.com would take mary-ann@example.com along.
    pattern = re.compile(rf"(?<![\w.+-]){re.escape(name)}(?![\w-]|\.\w)", re.IGNORECASE)
    found: set[int] = set()
    for spelling in sorted({name, quote(name, safe=""), quote(f'"{name}', safe="")}):
        query = SearchQuery(" ".join(words_of(spelling)), config="simple", search_type="phrase")
        rows = likely.filter(words=query).order_by("-pk").values_list("pk", "payload")[:most]
        found |= {pk for pk, payload in rows.iterator(chunk_size=100) if _has(payload, pattern)}
    return found


def _has(payload: bytes, pattern: re.Pattern[str]) -> bool:
    text = bytes(payload).decode(errors="replace")
    return any(pattern.search(without_escapes(one)) for one in (text, unquote(unquote(text))))


def _parsed(text: str) -> Any:
    """What a text of JSON, or of a form, says; None if it is neither."""
    try:
        value = msgspec.json.decode(text.encode())
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        if "=" not in text or "\n" in text.strip() or text.lstrip().startswith(("{", "[")):
            return None
        form = parse_qsl(text, keep_blank_values=True, errors="replace")
        return {name: _part(one) for name, one in form} or None
    return value if isinstance(value, dict | list) else None


def _part(text: str) -> Any:
    """A value of a form, which may be JSON itself."""
    parsed = _parsed(text) if text.lstrip().startswith(("{", "[")) else None
    return text if parsed is None else parsed


def _beside_lists(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: _beside_lists(one) for name, one in value.items() if not isinstance(one, list)
        }
    return value


def _plain(payload: bytes) -> str:
    """A payload with the escapes of JSON and of forms resolved."""
    return without_escapes(unquote(bytes(payload).decode(errors="replace")))
