"""The example beside the form: what would go out, as the form stands now."""

import json
from contextlib import suppress
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest, JsonResponse

from destinations.admin.examples import KINDS, example_of
from destinations.admin.forms import ALL, form_class
from destinations.kinds import InvalidDestination, kind_of, kinds
from destinations.mapping import InvalidMapping, sources
from destinations.messages import Message
from destinations.models import Delivery, Destination

# More of a body is no use on a page.
_LONGEST = 20_000
_READ = (
    *("type", "activities", "groups", "consents", "changes"),
    *("which_fields", "fields", "email", "url", "method", "mapping"),
)


def example(request: HttpRequest) -> JsonResponse:
    """An example of the kind `of`, of what was filled in so far, and what fields can be filled of.

    What is wrong with a field is said on saving; here it is as if it were empty.
    """
    destination = _drawn(request)
    asked = request.GET.get("of", "")
    message = example_of(destination, asked if asked in KINDS else _first(destination))
    return JsonResponse(
        {
            "of": message.type,
            "sources": _sources(destination, message),
            **_shown(destination, message),
        }
    )


def _drawn(request: HttpRequest) -> Destination:
    """The destination that the form would make of what is readable of it."""
    form = form_class()(request.POST)
    given: dict[str, Any] = {}
    for name in _READ:
        with suppress(ValidationError):
            given[name] = form.fields[name].clean(form[name].data)
    if given.pop("which_fields", ALL) == ALL:
        given["fields"] = None
    destination = Destination()
    for name, value in given.items():
        setattr(destination, name, value)
    return destination


def _first(destination: Destination) -> str:
    """What the destination gets before anything else."""
    gets = (destination.activities, destination.groups, destination.consents, destination.changes)
    return next((kind for kind, is_wanted in zip(KINDS, gets, strict=True) if is_wanted), KINDS[0])


def _shown(destination: Destination, message: Message) -> dict[str, Any]:
    if destination.type not in kinds():
        return {"problem": "Choose what kind of system it is."}
    if not kind_of(destination).has_mapping:
        destination.mapping = None
    try:
        payload = kind_of(destination).payload(destination, message)
    except (InvalidDestination, InvalidMapping) as error:
        return {"problem": error.detail}
    text = json.dumps(payload, indent=2, ensure_ascii=False)
    return {"body": text[:_LONGEST], "bytes": len(json.dumps(payload).encode())}


def _sources(destination: Destination, message: Message) -> list[tuple[str, str]]:
    """What fields can be filled of: pairs of a path and what it is called."""
    found = [(one.path, one.title) for one in sources(destination)]
    properties = message.data.get("properties") if message.type == Delivery.Kind.ACTIVITY else None
    if isinstance(properties, dict):
        found += [(f"data.properties.{name}", f"Property “{name}”") for name in properties]
    return found
