"""Members of configured objects: each is a column of the model, or rows that belong to it."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from django.contrib.postgres.fields import ArrayField
from django.db import models

from exchange.problems import InvalidMember


@dataclass(frozen=True)
class Reference:
    """That a member names an object of this model, which has to be there."""

    model: type[models.Model]
    code_name: str
    path: str = ""


class Finder(Protocol):
    """What finds the object that has a code name, in any letter case."""

    def find(self, model: type[models.Model], code_name: str) -> models.Model: ...


class Member(ABC):
    """One member of the objects of a kind."""

    is_secret = False
    # Whether it is a column, which is saved together with the others.
    is_column = False

    def __init__(self, name: str):
        self.name = name

    @abstractmethod
    def check(self, value: object) -> Any:
        """`value` of a file as the member takes it.

        :raises InvalidMember: if it is none, whatever the hub has
        """

    def references(self, value: Any) -> Iterable[Reference]:
        """What a checked value names."""
        return ()

    @abstractmethod
    def get(self, row: Any) -> Any:
        """The value of `row`, as files have it."""

    def dump(self, row: Any) -> dict[str, Any]:
        """What a file says of `row`: the member and its value, or nothing."""
        return {self.name: self.get(row)}


class Column(Member):
    """A column of the model, by its own name unless it is called otherwise."""

    is_column = True

    def __init__(self, field: models.Field, *, name: str = "", is_secret: bool = False):
        super().__init__(name or field.name)
        self.field, self.is_secret = field, is_secret

    def check(self, value: object) -> Any:
        return check_value(self.field, value)

    def get(self, row: Any) -> Any:
        return getattr(row, self.field.attname)

    def put(self, row: Any, value: Any, finder: Finder) -> None:
        """Give `row` a checked value; it is not saved yet."""
        setattr(row, self.field.attname, value)


class Key(Column):
    """A foreign key to another configured object, which files name by its code name."""

    def check(self, value: object) -> str | None:
        if value is None and self.field.null:
            return None
        return check_text(value, "the code name of an object" + (" or null" * self.field.null))

    def references(self, value: Any) -> Iterator[Reference]:
        if value is not None:
            yield Reference(self._model, value)

    def get(self, row: Any) -> str | None:
        if super().get(row) is None:
            return None
        return getattr(row, self.field.name).code_name

    def put(self, row: Any, value: str | None, finder: Finder) -> None:
        setattr(row, self.field.name, finder.find(self._model, value) if value else None)

    @property
    def _model(self) -> type[models.Model]:
        model = self.field.related_model
        assert isinstance(model, type)
        return model


class Rows(Member):
    """Rows that belong to the object, and are saved after it."""

    @abstractmethod
    def save(self, row: Any, value: Any) -> bool:
        """Make the rows of `row` what a checked value says; tell whether any changed.

        :raises ValidationError: if they cannot be so
        """


def column_for(field: models.Field, *, name: str = "", is_secret: bool = False) -> Column:
    """The member for a column."""
    kind = Key if isinstance(field, models.ForeignKey) else Column
    return kind(field, name=name, is_secret=is_secret)


def check_value(field: models.Field, value: object) -> Any:
    """`value` if the type of the column can have it.

    :raises InvalidMember: if not
    """
    choices = [key for key, _ in field.flatchoices] + ([""] if field.blank else [])
    if isinstance(field, models.BooleanField):
        if not isinstance(value, bool):
            raise InvalidMember("This has to be true or false.")
    elif field.choices and field.flatchoices:
        # True is 1 to Python.
        if isinstance(value, bool) or value not in choices:
            known = ", ".join(str(key) for key, _ in field.flatchoices)
            raise InvalidMember(f"This has to be one of: {known}.")
    elif isinstance(field, models.IntegerField):
        if not isinstance(value, int) or isinstance(value, bool):
            raise InvalidMember("This has to be a whole number.")
    elif isinstance(field, ArrayField):
        return check_texts(value)
    elif isinstance(field, models.CharField | models.TextField):
        # Forms take away what is around a text as well.
        return check_text(value).strip()
    else:
        raise TypeError(f"no file can have a {type(field).__name__}")
    return value


def check_text(value: object, what: str = "text") -> str:
    """`value` if it is text.

    :raises InvalidMember: if not
    """
    if not isinstance(value, str):
        quotes = "; put it in quotes" if isinstance(value, int | float) else ""
        raise InvalidMember(f"This has to be {what}{quotes}.")
    return value


def check_texts(value: object) -> list[str]:
    """`value` if it is a list of texts.

    :raises InvalidMember: if not
    """
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise InvalidMember("This has to be a list of texts.")
    return value


def check_object(value: object, names: Iterable[str] | None = None) -> Mapping[str, Any]:
    """`value` if it is an object, of members with these names only.

    :raises InvalidMember: if not
    """
    if not isinstance(value, dict):
        raise InvalidMember("This has to be an object.")
    if names is not None and (unknown := [name for name in value if name not in names]):
        raise InvalidMember(f"“{unknown[0]}” is not known here. Known: {', '.join(names)}.")
    return value
