"""Activities without their personal properties: those that a rule of their type marks so."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote_plus

from database.letter_case import fold

_Path = tuple[str, ...]


def without_personal(data: Mapping[str, Any], paths: Sequence[_Path]) -> dict[str, Any]:
    """The data of an activity without the properties to which these paths lead.

    A title, value or address may have been made of one of them: then that goes, too.

    :param data: as messages have it
    :param paths: the names that lead to each, in the letter case of `fold`
    """
    removed: list[str] = []
    properties = _without(data["properties"], paths, removed)
    texts = {fold(text) for text in removed if text.strip()}
    kept = {**data, "properties": properties}
    for name, instead in ("title", data["name"]), ("value", ""), ("url", ""), ("referrer", ""):
        text = fold(data[name])
        if any(one in text or one in unquote_plus(text) for one in texts):
            kept[name] = instead
    return kept


def _without(value: Any, paths: Sequence[_Path], removed: list[str]) -> Any:
    if isinstance(value, list):
        return [_without(item, paths, removed) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {}
    for name, member in value.items():
        rest = [path[1:] for path in paths if path[0] == fold(name)]
        if () in rest:
            removed += texts_in(member)
        else:
            kept[name] = _without(member, rest, removed) if rest else member
    return kept


def texts_in(value: Any) -> Iterator[str]:
    """Every text and number in a value of JSON, as a text."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from texts_in(item)
    elif value is not None and not isinstance(value, bool):
        yield str(value)
