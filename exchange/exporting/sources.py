"""Which columns the export of a list may have: those of the list, and more of the model.

A list needs nothing to be exported: its columns are those that its page has, for the user who asks.
What a room has beside them, or instead, it says by `register_source`.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import label_for_field
from django.contrib.auth.models import User
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.text import capfirst

from adminsite.columns import Badge, Column, Count, Json, Link, Moment
from adminsite.options import HubAdmin, RowsOfList
from adminsite.permissions import AnyUser
from contacts.admin.permissions import may_see_contacts
from contacts.models import Contact
from database.lookups import Among
from exchange.exporting.fields import Field, Kind

# Rows that the database hands over at a time: one may have megabytes.
ROWS_AT_A_TIME = 200
# Where users end their own sessions: it says of each what only a page can find out.
_PAGES_ALONE = frozenset({"usersessions.usersession"})
# Lists do not load what columns of these names show.
_LONG = frozenset({"payload"})
_KINDS: tuple[tuple[type, Kind], ...] = (
    (models.BooleanField, Kind.BOOLEAN),
    (models.IntegerField, Kind.WHOLE),
    (models.FloatField, Kind.NUMBER),
    (models.DecimalField, Kind.NUMBER),
    (models.DateTimeField, Kind.TIME),
    (models.DateField, Kind.DATE),
)


@dataclass(frozen=True, kw_only=True)
class Source:
    """What exports of a list have beside its columns, or instead of them.

    :ivar fields: the columns for a user, and for the filters of the list as an address has them
    :ivar offered: further ones for whom chooses columns, as rows have them at that moment
    :ivar chosen: of names, those columns that `offered` may have had when they were chosen
    :ivar rows: of a query of rows of the list, in the order of their ids, what `read` of the
        columns gets for each, given the names of the columns that are wanted and the user
    :ivar with_list: whether the columns of the list come first
    :ivar holds_persons: whether a file may have personal data, so that no erasure leaves it
    """

    fields: Callable[[User, str], Sequence[Field]] = lambda user, query: ()
    offered: Callable[[User, str], Sequence[Field]] = lambda user, query: ()
    chosen: Callable[[Collection[str], User, str], Sequence[Field]] = lambda names, user, query: ()
    rows: Callable[[QuerySet, frozenset[str], User], Iterable[Any]] | None = None
    with_list: bool = True
    holds_persons: bool = True


_sources: dict[type[Model], Source] = {}


def register_source(model: type[Model], source: Source) -> None:
    """Say what exports of the list of `model` have."""
    _sources[model] = source


def source_of(model: type[Model]) -> Source:
    """What was registered for the list of `model`, else its columns alone."""
    return _sources.get(model, _LIST_ALONE)


def can_be_exported(model: type[Model]) -> bool:
    """Whether there is a list of `model` that can be filtered or searched."""
    if not admin.site.is_registered(model) or model._meta.label_lower in _PAGES_ALONE:
        return False
    model_admin: Any = admin.site.get_model_admin(model)
    is_asked = isinstance(model_admin, HubAdmin) and model_admin.keeps_views
    return is_asked and model_admin.is_exported


def fields_for(model: type[Model], user: User, query: str) -> list[Field]:
    """The columns that `user` may choose for the list of `model`, each name once."""
    offered = source_of(model).offered(user, query)
    return _each_once([*_lasting_fields(model, user, query), *offered])


def chosen_fields(
    model: type[Model], user: User, query: str, names: Collection[str]
) -> list[Field]:
    """The columns of these names that `user` may have, whatever rows have come since."""
    chosen = source_of(model).chosen(names, user, query)
    fields = _each_once([*_lasting_fields(model, user, query), *chosen])
    return [one for one in fields if one.name in names]


def _lasting_fields(model: type[Model], user: User, query: str) -> list[Field]:
    source = source_of(model)
    return [*(_list_fields(model, user) if source.with_list else ()), *source.fields(user, query)]


def _each_once(fields: Iterable[Field]) -> list[Field]:
    named: dict[str, Field] = {}
    for one in fields:
        named.setdefault(one.name, one)
    return list(named.values())


def rows_for(
    listed: RowsOfList, ids: Sequence[int], names: frozenset[str], user: User
) -> Iterator[Any]:
    """The rows with these ids, as the columns of these names read them."""
    source = source_of(listed.model)
    if source.rows is not None:
        chosen = listed.model._default_manager.filter(Among("pk", ids)).order_by("pk")
        yield from source.rows(chosen, names, user)
        return
    # With what the columns of the list need.
    rows = listed.root_queryset.defer(None) if names & _LONG else listed.root_queryset
    if not rows.query.select_related:
        rows = listed.apply_select_related(rows)
    chosen = rows.filter(Among("pk", ids)).order_by("pk")
    yield from chosen.iterator(chunk_size=ROWS_AT_A_TIME)


def field_of(model: type[Model], name: str, *, title: str = "", is_proposed: bool = True) -> Field:
    """A column with a field of the model; of choices, what pages call them."""
    field: Any = model._meta.get_field(name)
    kind = next((kind for of, kind in _KINDS if isinstance(field, of)), Kind.TEXT)
    kind = Kind.JSON if isinstance(field, models.JSONField) else kind
    if field.flatchoices:
        labels, kind = dict(field.flatchoices), Kind.TEXT
        read: Callable[[Any], object] = lambda row: str(  # noqa: E731
            labels.get(getattr(row, name), getattr(row, name) or "")
        )
    else:
        read = lambda row: getattr(row, name)  # noqa: E731
    return Field(
        name=name,
        title=title or capfirst(str(field.verbose_name)),
        read=read,
        kind=kind,
        is_proposed=is_proposed,
    )


def _list_fields(model: type[Model], user: User) -> Iterator[Field]:
    """The columns of the list as `user` sees it; of a contact the GUID besides, and the email."""
    model_admin: Any = admin.site.get_model_admin(model)
    request = HttpRequest()
    request.user = user
    taken: set[str] = set()
    for column in model_admin.get_list_display(request):
        for field in _fields_of_column(model, model_admin, column, user):
            name = field.name
            while field.name in taken:
                field = replace(field, name=f"{name}_{len(taken)}")
            taken.add(field.name)
            yield field


def _fields_of_column(
    model: type[Model], model_admin: Any, column: Any, user: AnyUser
) -> Iterator[Field]:
    if isinstance(column, str):
        yield _field_named(model, model_admin, column)
        return
    if isinstance(column, Column):
        yield _field_of_column(column)
        if isinstance(column, Link) and _leads_to_contact(model, column):
            yield from contact_fields(str(column.of), user)
        return
    title = str(label_for_field(column, model, model_admin))
    yield Field(name=column.__name__, title=capfirst(title), read=column)


def contact_fields(of: str, user: AnyUser) -> Iterator[Field]:
    """Who a contact that a row points at is: the GUID, and the email for users who may see it."""

    def reading(name: str) -> Callable[[Any], object]:
        return lambda row: getattr(getattr(row, of), name, None)

    title = capfirst(of.replace("_", " "))
    yield Field(name=f"{of}_guid", title=f"{title} GUID", read=reading("guid"))
    if may_see_contacts(user):
        yield Field(name=f"{of}_email", title=f"{title} email", read=reading("email"))


def _field_named(model: type[Model], model_admin: Any, name: str) -> Field:
    try:
        return field_of(model, name)
    except FieldDoesNotExist:
        pass
    title = capfirst(str(label_for_field(name, model, model_admin)))
    if name == "__str__":
        return Field(name=str(model._meta.model_name), title=title, read=str)
    if method := getattr(model_admin, name, None):
        return Field(name=name, title=title, read=method)

    def read(row: Any) -> object:
        value = getattr(row, name)
        return value() if callable(value) else value

    return Field(name=name, title=title, read=read)


def _field_of_column(column: Column) -> Field:
    kind, read = Kind.TEXT, column.read
    if isinstance(column, Moment):
        kind = Kind.TIME
    elif isinstance(column, Count):
        kind = Kind.WHOLE
    elif isinstance(column, Json):
        kind = Kind.JSON
    elif isinstance(column, Badge) and column.labels:
        labels = column.labels

        def read(row: Any) -> object:
            value = column.read(row)
            return str(labels[value][0]) if value in labels else value

    # Of a GUID and the like, the last name of the path says what it is.
    path = "" if callable(column.of) else column.of.replace(".", "_")
    return Field(
        name=path or column.name.strip("_"),
        title=str(column.short_description),
        read=read,
        kind=kind,
    )


def _leads_to_contact(model: type[Model], column: Column) -> bool:
    if callable(column.of):
        return False
    try:
        return model._meta.get_field(column.of).related_model is Contact
    except FieldDoesNotExist:
        return False


_LIST_ALONE = Source()
