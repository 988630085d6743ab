"""Who the contacts of rows are today, however often they were merged since."""

from collections.abc import Callable, Sequence
from typing import Any

from django.db.models import Model, QuerySet, prefetch_related_objects

from contacts.models import Contact
from contacts.resolving import live_of
from database.lookups import Among
from database.questions import ask


class LiveContact:
    """The live contact that the `contact` of a row has become; None if the hub knows none.

    It is looked up once. `prefetch_related` does so for many rows, in two questions.
    """

    def __set_name__(self, owner: type[Model], name: str) -> None:
        self._name = name

    def __get__(self, row: Any, owner: type[Model] | None = None) -> Any:
        if row is None:
            return self
        if not self.is_cached(row):
            prefetch_related_objects([row], self._name)
        return row._state.fields_cache[self._name]

    def is_cached(self, row: Any) -> bool:
        """Whether it was looked up for this row."""
        return self._name in row._state.fields_cache

    def get_prefetch_querysets(
        self, instances: Sequence[Any], querysets: object = None
    ) -> tuple[QuerySet[Contact], Callable, Callable, bool, str, bool]:
        """What Django asks for: the contacts of these rows, and which is whose."""
        (live,) = ask(live_of({row.contact_id for row in instances if row.contact_id is not None}))
        contacts = Contact.objects.filter(Among("pk", set(live.values())))
        is_one, is_set_on_row = True, False
        return (
            *(contacts, lambda contact: contact.pk, lambda row: live.get(row.contact_id)),
            *(is_one, self._name, is_set_on_row),
        )
