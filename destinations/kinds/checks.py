"""What is checked of destinations of every kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from destinations.addresses import InvalidAddress, check_url
from destinations.headers import InvalidHeader, check_headers
from destinations.mapping import InvalidMapping, check_sources, read_mapping
from destinations.signing import InvalidSecret, check_secret
from destinations.texts import UNSTORABLE, is_storable

if TYPE_CHECKING:
    from destinations.kinds.base import DestinationKind
    from destinations.models import Destination

_LONGEST_OPTION = 500
_MOST_HEADERS = 50
# By these a receiver checks a message; a worker sets them.
_OF_SIGNATURES = ("webhook-id", "webhook-timestamp", "webhook-signature")


class InvalidDestination(ValueError):
    """A destination that cannot be; `member` is the column that is wrong, `path` where in it."""

    def __init__(self, member: str, detail: str, path: str = ""):
        super().__init__(detail)
        self.member, self.detail, self.path = member, detail, path


def check_members(kind: DestinationKind, destination: Destination) -> None:
    """Refuse what no destination of this kind has, and bring the mapping into its normal form.

    :raises InvalidDestination: with the first mistake
    """
    _check_url(kind, destination)
    _check_options(kind, destination)
    if not kind.has_mapping:
        for member in ("mapping", "headers", "secret"):
            if getattr(destination, member):
                raise InvalidDestination(member, "Only webhooks have this. Leave it out.")
        return
    _check_headers(destination)
    _check_secret(destination)
    _check_mapping(destination)


def _check_url(kind: DestinationKind, destination: Destination) -> None:
    if not kind.has_url:
        if destination.url:
            raise InvalidDestination("url", "Files have no address. Leave it out.")
        return
    if not destination.url:
        raise InvalidDestination("url", "Enter the address to which messages go.")
    try:
        check_url(destination.url)
    except InvalidAddress as error:
        raise InvalidDestination("url", str(error)) from error


def _check_options(kind: DestinationKind, destination: Destination) -> None:
    for member, is_secret in (("options", False), ("credentials", True)):
        given = getattr(destination, member)
        known = {one.name: one for one in kind.options if one.is_secret == is_secret}
        if not isinstance(given, Mapping):
            raise InvalidDestination(member, "This has to be an object.")
        for name, value in given.items():
            if not is_storable(str(name)):
                raise InvalidDestination(member, UNSTORABLE)
            if name not in known:
                names = ", ".join(known) or "none"
                raise InvalidDestination(member, f"“{name}” is not known here. Known: {names}.")
            _check_option(member, name, value)
        for option in known.values():
            if option.is_required and not option.is_secret and not given.get(option.name):
                raise InvalidDestination(
                    member, f"Enter the {option.title}. {option.help_text}", option.name
                )


def _check_option(member: str, name: str, value: Any) -> None:
    if not isinstance(value, str):
        raise InvalidDestination(member, "This has to be text; put it in quotes.", name)
    if len(value) > _LONGEST_OPTION or not value.isprintable():
        raise InvalidDestination(
            member, f"This is one line of at most {_LONGEST_OPTION} characters.", name
        )


def _check_headers(destination: Destination) -> None:
    headers = destination.headers
    if not isinstance(headers, Mapping) or not all(
        isinstance(value, str) for value in headers.values()
    ):
        raise InvalidDestination("headers", "This has to be an object of names and texts.")
    if len(headers) > _MOST_HEADERS:
        raise InvalidDestination("headers", f"A request has at most {_MOST_HEADERS} of these.")
    names = [name.lower() for name in headers]
    if len({*names}) < len(names):
        raise InvalidDestination("headers", "Two of these are the same in another letter case.")
    for name in headers:
        if name.lower() in _OF_SIGNATURES:
            raise InvalidDestination("headers", f"The hub sets {name} itself. Leave it out.")
    try:
        check_headers(headers)
    except InvalidHeader as error:
        raise InvalidDestination("headers", str(error)) from error


def _check_secret(destination: Destination) -> None:
    if not destination.secret:
        return
    try:
        check_secret(destination.secret)
    except InvalidSecret as error:
        raise InvalidDestination("secret", str(error)) from error


def _check_mapping(destination: Destination) -> None:
    if destination.mapping is None:
        return
    try:
        destination.mapping = read_mapping(destination.mapping)
        check_sources(destination.mapping, destination)
    except InvalidMapping as error:
        raise InvalidDestination("mapping", error.detail, error.path) from error
