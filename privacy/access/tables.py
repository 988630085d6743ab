"""Which tables are told of a person: all with an exported key, and what rooms have described."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import apps
from django.contrib.auth.models import User
from django.db import models

from contacts.keys import ContactKey
from contacts.telling import (
    Origin,
    Says,
    Telling,
    exported_keys,
    registered_tellings,
    told_keys,
)
from database.transaction_ids import TransactionIdField
from destinations.sealing import SealedField
from jobs.models import Waiting

# Columns of what the hub does with a row, and words in the names of columns that are never told.
_OWN_WORK = {field.name for field in Waiting._meta.local_fields}
_SECRET = re.compile(r"secret|token|password|_hash$|(^|_)key$")
# What a row of another table is called, in the order in which it is looked for.
_NAMES = ("name", "title", "code_name")


def all_tellings(all_models: Sequence[type[models.Model]] | None = None) -> list[Telling]:
    """How everything is told: what rooms have described, then all other exported tables."""
    described = registered_tellings()
    told = told_keys(described)
    others = [
        telling_of(key)
        for key in exported_keys(all_models or apps.get_models())
        if (key.model._meta.label_lower, key.name) not in told
    ]
    return [*described, *sorted(others, key=lambda one: one.name)]


def portable(tellings: Sequence[Telling]) -> list[Telling]:
    """Those of what a person has provided, or what was observed of them."""
    return [one for one in tellings if one.origin != Origin.DERIVED]


def telling_of(key: ContactKey) -> Telling:
    """How a table is told that no room has described: by all of its columns."""
    meta = key.model._meta
    name = re.sub(r"[^a-z0-9]+", "-", str(meta.verbose_name_plural).lower())
    title = str(meta.verbose_name_plural)
    return Telling(
        model=key.model,
        name=f"{name}-{key.name.replace('_', '-')}" if key.name != "contact" else name,
        title=title[:1].upper() + title[1:],
        sentence="What else we have about you under this name, field by field.",
        columns=list(_columns(key.model)),
        key=key.name,
    )


def _columns(model: type[models.Model]) -> Iterator[Says]:
    for field in model._meta.local_concrete_fields:
        title = str(field.verbose_name)
        title = title[:1].upper() + title[1:]
        if _is_never_told(field):
            continue
        if isinstance(field, models.ForeignKey):
            yield from _columns_of_key(field, title)
        else:
            yield Says(name=field.name, title=title, of=field.name)


def _is_never_told(field: Any) -> bool:
    if isinstance(field, ContactKey | TransactionIdField | models.BinaryField | SealedField):
        # Another key to a contact leads to another person; this one says nothing new.
        return True
    if field.primary_key and isinstance(field, models.AutoField):
        return True
    is_own_work = field.name in _OWN_WORK and issubclass(field.model, Waiting)
    return is_own_work or bool(_SECRET.search(field.name))


def _columns_of_key(field: models.ForeignKey, title: str) -> Iterator[Says]:
    related: Any = field.related_model
    if issubclass(related, User):
        yield Says(name=field.name, title=title, of=field.attname, is_user=True)
        return
    names = {one.name for one in related._meta.local_fields}
    if found := next((name for name in _NAMES if name in names), None):
        yield Says(name=field.name, title=title, of=f"{field.name}__{found}")
