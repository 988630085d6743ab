"""Lists show the beginnings of texts, and load no more of them: they may be megabytes long."""

from collections.abc import Iterable

from django.db.models import Case, Expression, F, QuerySet, TextField, Value, When
from django.db.models.functions import Left

from activities.admin.personal_data import HIDDEN, has_personal_properties
from activities.admin.personal_texts import hidden_in_text
from activities.models import Activity

TEXTS = ("title", "value", "url", "referrer")
SHOWN = 2000


def without_long_texts(
    queryset: QuerySet[Activity], *, hides_personal_data: bool = False
) -> QuerySet[Activity]:
    """The same activities with `title_start`, `value_start`, `url_start` and `referrer_start`.

    With `hides_personal_data` these say nothing that may have been made of a personal property, nor
    what looks like personal data.
    """
    starts: dict[str, Expression] = {f"{name}_start": Left(name, SHOWN) for name in TEXTS}
    if hides_personal_data:
        starts = {name: _hidden(name, start) for name, start in starts.items()}
    return queryset.defer(*TEXTS, "properties").annotate(**starts)


def cut_short(activities: Iterable[Activity]) -> list[Activity]:
    """Activities of `without_long_texts` whose title, value, URL and referrer are beginnings."""
    found = list(activities)
    for activity in found:
        for name in TEXTS:
            setattr(activity, name, getattr(activity, f"{name}_start"))
    return found


def _hidden(name: str, start: Expression) -> Expression:
    instead = F("type__name") if name == "title_start" else Value(HIDDEN)
    is_empty = {name.removesuffix("_start"): ""}
    return Case(
        When(**is_empty, then=Value("")),
        When(has_personal_properties(), then=instead),
        default=hidden_in_text(start),
        output_field=TextField(),
    )
