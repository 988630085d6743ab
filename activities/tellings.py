"""How activities, data inputs and what was refused are told to the person."""

from typing import Any

from django.db.models import Q, QuerySet
from django.db.models.expressions import ExpressionWrapper
from django.db.models.fields import BooleanField

from activities.mentions import OwnParts, lines_about
from activities.models import Activity, DataInput, RejectedActivity
from contacts.telling import OTHERS, Origin, Person, Says, Telling, register_telling
from database.lookups import Among
from web.doors import naming_choices

_ENTERED_BY_ANOTHER = ExpressionWrapper(Q(sent_by__isnull=False), output_field=BooleanField())


def register() -> None:
    """Have these tables be told."""
    for telling in (_ACTIVITIES, _DATA_INPUTS, _REFUSED):
        register_telling(telling)


def _door(name: str) -> str:
    return str(dict(naming_choices()).get(name, name))


def _under_own_guid(person: Person, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Activities without the GUID of another contact who has sent them."""
    for row in rows:
        if str(row["reported_as"]) not in person.guids:
            row["reported_as"] = OTHERS
    return rows


def _lines(person: Person) -> QuerySet:
    return RejectedActivity.objects.filter(Among("pk", lines_about(person)))


def _own_parts(person: Person, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Lines of the inspector with what of them is this person's."""
    parts = OwnParts(person, [row["payload"] for row in rows])
    for row in rows:
        is_own = str(row["contact"]).lower() in person.guids
        row["payload"] = parts.of(row["payload"], is_own=is_own)
        for name in ("reason", "field", "type", "reason_now"):
            row[name] = parts.without_others(row[name])
    return rows


_ACTIVITIES = Telling(
    model=Activity,
    name="activities",
    title="What you did",
    sentence="What you did on our websites and in our apps, as it was reported to us.",
    columns=[
        Says(name="time", title="When", of="occurred_at"),
        Says(name="type", title="What", of="type__name"),
        Says(name="type_code", title="Code", of="type__code_name", on_page=False),
        Says(name="title", title="Title", of="title"),
        Says(name="value", title="Value", of="value"),
        Says(name="url", title="Page", of="url"),
        Says(name="referrer", title="You came from", of="referrer"),
        Says(name="properties", title="Details", of="properties"),
        Says(name="channel", title="Website or app", of="channel__name"),
        Says(name="site", title="Tracked website", of="tracked_site__name"),
        Says(name="recorded", title="Recorded", of="recorded_at", on_page=False),
        Says(name="reported_as", title="Reported under", of="logged_as", on_page=False),
    ],
    order=("-occurred_at", "-id"),
    origin=Origin.OBSERVED,
    position=40,
    change=_under_own_guid,
    change_provided=_under_own_guid,
)
_DATA_INPUTS = Telling(
    model=DataInput,
    name="data-inputs",
    title="What you filled in",
    sentence="What was entered in forms of our websites and apps, and whether it became part of "
    "your record. Some of it may have been entered by another person, with your email.",
    columns=[
        Says(name="time", title="When", of="received_at"),
        Says(name="fields", title="What", of="fields"),
        Says(name="outcome", title="What became of it", of="outcome"),
        Says(name="applied", title="Applied", of="applied_at"),
        Says(name="detail", title="Detail", of="detail"),
        Says(
            name="entered_by_another",
            title="Entered by another person",
            of=_ENTERED_BY_ANOTHER,
        ),
    ],
    order=("-activity", "-id"),
    origin=Origin.PROVIDED,
    position=45,
)
_REFUSED = Telling(
    model=RejectedActivity,
    name="refused",
    title="What we did not take",
    sentence="What a website or an app sent about you and we refused, or took with a remark: with "
    "the reason, and what was sent. What it sent about other people is left out.",
    columns=[
        Says(name="time", title="When", of="at"),
        Says(name="status", title="What became of it", of="status"),
        Says(name="code", title="Code", of="code", on_page=False),
        Says(name="reason", title="Why", of="reason"),
        Says(name="field", title="Field", of="field"),
        Says(name="type", title="What it was called", of="named"),
        Says(name="format", title="Format", of="door", words=_door),
        Says(name="channel", title="Website or app", of="channel__name"),
        Says(name="payload", title="What was sent", of="payload"),
        Says(name="reason_now", title="Why it was refused again", of="replay_reason"),
        Says(name="contact", title="", of="contact_guid"),
    ],
    order=("-at", "-id"),
    origin=Origin.OBSERVED,
    position=85,
    key="",
    rows=_lines,
    change=_own_parts,
    change_provided=_own_parts,
)
