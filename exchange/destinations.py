"""Destinations in files. Secrets, values of headers and credentials are read and never written."""

from collections.abc import Collection, Iterator
from typing import Any

from django.db.models import Model

from consents.models import Consent
from destinations.addresses import InvalidAddress, check_url
from destinations.headers import secret_headers
from destinations.mapping import InvalidMapping, read_mapping
from destinations.models import Destination
from destinations.moving import check_move
from destinations.saving import check_destination, forget_other_kind, save_destination
from exchange.configuration import Rule
from exchange.kinds import Kind
from exchange.members import Column, Reference, check_object, check_text, check_texts
from exchange.problems import InvalidMember
from groups.models import ContactGroup


class Names(Column):
    """A list of code names. Of activity types: an event may have yet to bring one."""

    model: type[Model] | None = None

    def check(self, value: object) -> list[str]:
        return [name.strip() for name in check_texts(value)]

    def references(self, value: list[str]) -> Iterator[Reference]:
        if self.model is not None:
            for number, name in enumerate(value):
                yield Reference(self.model, name, f"[{number}]")


class Groups(Names):
    """Groups, each by its code name."""

    model = ContactGroup


class Consents(Names):
    """Consents, each by its code name."""

    model = Consent


class OptionalRule(Column):
    """A rule like that of a contact group, or null for everybody."""

    def check(self, value: object) -> Any:
        return None if value is None else Rule(self.field).check(value)

    def references(self, value: Any) -> Iterator[Reference]:
        return iter(()) if value is None else Rule(self.field).references(value)

    def dump(self, row: Destination) -> dict[str, Any]:
        try:
            return {self.name: self.check(self.get(row))}
        except InvalidMember:  # it has a condition that the hub has no more
            return {self.name: self.get(row)}


class Fields(Column):
    """Fields of contacts by the model's names, or null for all."""

    def check(self, value: object) -> list[str] | None:
        return None if value is None else check_texts(value)


class Mapping(Column):
    """The mapping of a webhook in its normal form, or null for the usual body."""

    def check(self, value: object) -> list[dict[str, Any]] | None:
        if value is None:
            return None
        try:
            return read_mapping(value)
        except InvalidMapping as error:
            raise InvalidMember(error.detail, error.path) from error

    def dump(self, row: Destination) -> dict[str, Any]:
        # With the members in the order in which people read them; the database has its own.
        return {self.name: self.check(self.get(row))}


class Texts(Column):
    """Names with a text each."""

    def check(self, value: object) -> dict[str, str]:
        texts = check_object(value)
        for name, text in texts.items():
            if not isinstance(name, str):
                raise InvalidMember("Names have to be texts; put them in quotes.")
            try:
                check_text(text)
            except InvalidMember as error:
                raise InvalidMember(error.detail, name) from error
        return dict(texts)


class SecretTexts(Texts):
    """The same, where the texts are secrets."""

    is_secret = True

    def __init__(self, field: Any):
        super().__init__(field, is_secret=True)


class Address(Column):
    """The address of a destination. A literal private one is refused; names are looked up later."""

    def check(self, value: object) -> str:
        url = super().check(value)
        try:
            if url:
                check_url(url)
        except InvalidAddress as error:
            raise InvalidMember(str(error)) from error
        return url


def _check(destination: Destination, changed: Collection[str], given: Collection[str]) -> None:
    if "type" in changed and not destination._state.adding:
        forget_other_kind(destination, given)
    # In its normal form, so that another way to say the same is no change.
    check_destination(destination)
    if "url" in changed and not destination._state.adding:
        _check_move(destination, given)


def _check_move(destination: Destination, given: Collection[str]) -> None:
    """Refuse the address of another server, unless the file gives the secrets that go there."""
    before = Destination.objects.get(pk=destination.pk).url
    headers = [] if "headers" in given else secret_headers(destination.headers)
    credentials = [] if "credentials" in given else list(destination.credentials)
    check_move(before, destination.url, [*headers, *credentials])


def _save(destination: Destination, changed: Collection[str]) -> None:
    is_new = destination._state.adding
    save_destination(destination, None if is_new else changed, may_lack_credentials=True)


DESTINATION = Kind(
    name="destination",
    model=Destination,
    secrets=("secret",),
    special={
        "activities": Names,
        "groups": Groups,
        "consents": Consents,
        "rule": OptionalRule,
        "fields": Fields,
        "url": Address,
        "headers": SecretTexts,
        "mapping": Mapping,
        "options": Texts,
        "credentials": SecretTexts,
    },
    check=_check,
    save=_save,
)
