"""Lists show the beginnings of texts, and load no more of them: they may be megabytes long."""

from collections.abc import Iterable

from django.db.models import QuerySet
from django.db.models.functions import Left

from activities.models import Activity

_TEXTS = ("title", "url", "referrer")
_SHOWN = 2000


def without_long_texts(queryset: QuerySet[Activity]) -> QuerySet[Activity]:
    """The same activities with `title_start`, `url_start` and `referrer_start`."""
    starts = {f"{name}_start": Left(name, _SHOWN) for name in _TEXTS}
    return queryset.defer(*_TEXTS, "properties").annotate(**starts)


def cut_short(activities: Iterable[Activity]) -> list[Activity]:
    """Activities of `without_long_texts` whose title, URL and referrer are these beginnings."""
    found = list(activities)
    for activity in found:
        for name in _TEXTS:
            setattr(activity, name, getattr(activity, f"{name}_start"))
    return found
