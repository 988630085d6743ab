"""What a list is filtered by, in words, each part with the address of the list without it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib.admin import ListFilter
from django.contrib.admin.views.main import ALL_VAR, ERROR_FLAG, ORDER_VAR, PAGE_VAR, SEARCH_VAR
from django.http import QueryDict

_OF_ONE_PAGE = (PAGE_VAR, ERROR_FLAG, ALL_VAR)


@dataclass(frozen=True)
class Said:
    """One thing that a list is filtered by; `without` is the address of the list without it."""

    text: str
    without: str


def say_filters(changelist: Any) -> list[Said]:
    """What narrows a list, in words: its filters, and what is searched for."""
    params = {
        name: values for name, values in changelist.filter_params.items() if name != ERROR_FLAG
    }
    said = [
        Said(text, _without(params, names))
        for spec in changelist.filter_specs
        for names, text in _words_of(spec, changelist)
    ]
    if changelist.query:
        said.append(Said(f"search “{changelist.query}”", _without(params, (SEARCH_VAR,))))
    return said


def as_kept(given: QueryDict) -> str:
    """The part of an address that filters and sorts a list, always written the same way."""
    kept = [
        (name, value)
        for name, values in sorted(given.lists())
        if name not in _OF_ONE_PAGE
        for value in values
        if value
    ]
    return urlencode(kept)


def narrowing(given: QueryDict) -> str:
    """The same without the order: what decides which rows a list has."""
    narrows = given.copy()
    narrows.pop(ORDER_VAR, None)
    return as_kept(narrows)


def _words_of(spec: ListFilter, changelist: Any) -> Iterator[tuple[tuple[str, ...], str]]:
    """Pairs of parameters and what they say together."""
    if hasattr(spec, "said"):
        # A name that ends so stands for all that begin with it, such as the ends of a range.
        for name, text in spec.said().items():
            begun = tuple(one for one in changelist.filter_params if one.startswith(name))
            yield begun if name.endswith("_") else (name,), text
        return
    names = tuple(str(name) for name in spec.expected_parameters())
    if not any(changelist.filter_params.get(name) for name in names):
        return
    if labels := list(_chosen(spec, changelist)):
        yield names, f"{spec.title}: {', '.join(labels)}"


def _chosen(spec: Any, changelist: Any) -> Iterator[str]:
    for choice in spec.choices(changelist):
        if form := choice.get("form"):
            for name, field in form.fields.items():
                value = form.data.get(name)
                values = {str(one) for one in (value if isinstance(value, list) else [value])}
                options = getattr(field, "choices", ())
                yield from (str(label) for key, label in options if key and str(key) in values)
        elif choice.get("selected"):
            yield str(choice["display"])


def _without(params: dict[str, Any], names: tuple[str, ...]) -> str:
    left = [(name, value) for name, value in sorted(params.items()) if name not in names]
    return f"?{urlencode(left, doseq=True)}"
