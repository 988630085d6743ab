"""Objects inside of objects as names and values, for systems that know no others."""

from collections.abc import Iterator, Mapping
from typing import Any


def flatten(value: Mapping[str, Any], separator: str = "_") -> dict[str, Any]:
    """`{"a": {"b": 1}, "c": [2]}` as `{"a_b": 1, "c_0": 2}`.

    Of two members that come to the same name, the first stays. What is empty is left out.
    """
    flat: dict[str, Any] = {}
    for name, inner in _leaves(value, "", separator):
        flat.setdefault(name, inner)
    return flat


def _leaves(value: Any, name: str, separator: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        inside = list(value.items())
    elif isinstance(value, list | tuple):
        inside = [(str(number), one) for number, one in enumerate(value)]
    else:
        yield name, value
        return
    for key, one in inside:
        yield from _leaves(one, f"{name}{separator}{key}" if name else str(key), separator)
