"""What contacts did and what they said about themselves: on their pages, and in their list."""

from collections.abc import Iterator, Sequence
from urllib.parse import parse_qsl, urlsplit

from django.db.models import (
    Case,
    Expression,
    F,
    Q,
    QuerySet,
    TextField,
    When,
)
from django.db.models.functions import Left, Lower
from django.urls import reverse
from django.utils.safestring import SafeString

from activities.admin.activity import OUTCOME
from activities.admin.long_texts import SHOWN, TEXTS, cut_short, without_long_texts
from activities.admin.permissions import may_see_activities
from activities.admin.personal_data import has_personal_properties
from activities.models import Activity, ActivityType, ContactSeen, DataInput, SystemType
from adminsite.formatting import EMPTY, link, moment
from adminsite.permissions import AnyUser
from channels.models import Channel
from contacts.admin.field_history import register_source
from contacts.admin.permissions import may_see_contacts
from contacts.admin.sessions import Visit
from contacts.admin.snapshots import label_of
from contacts.admin.timeline import Entry, EntryKind, register_entries
from contacts.admin.timeline_form import TimelineChoice, register_choice
from contacts.models import Contact, ContactChange
from database.lookups import Among

_ICONS: dict[str, str] = {
    SystemType.PAGE_VISIT: "visibility",
    SystemType.LANDING_PAGE: "flight_land",
    SystemType.CLICK: "ads_click",
    SystemType.DATA_INPUT: "edit_note",
}


# What a change has of the channel of its data input, once it was looked up.
_CHANNEL, _IS_THERE = "channel_of_data_input", "activity_is_there"
_PAGES = (SystemType.PAGE_VISIT, SystemType.LANDING_PAGE)
# A website has visitors from everywhere: so much of an address says where from.
_LONGEST_SOURCE = 100


def _activities_of(contact: Contact, user: AnyUser) -> list[QuerySet]:
    activities = contact.activities.select_related("type", "channel", "tracked_site")
    return [without_long_texts(activities, hides_personal_data=not may_see_contacts(user))]


def _activity_entries(
    contact: Contact, activities: list[Activity], user: AnyUser
) -> Iterator[Entry]:
    for activity in cut_short(activities):
        yield Entry(
            row=activity,
            icon=_ICONS.get(activity.type.code_name, "bolt"),
            label=activity.type.name,
            # The title of most activities says the value already.
            shown={"shows_value": activity.value and f"'{activity.value}'" not in activity.title},
            visit=Visit(
                is_page=activity.type.code_name in _PAGES,
                source=source_of(activity.url, activity.referrer),
                where=str(activity.tracked_site or activity.channel),
            ),
        )


def source_of(url: str, referrer: str) -> str:
    """Where a visit came from: the campaign that its address names, else another website."""
    try:
        here, there = urlsplit(url), urlsplit(referrer)
        campaign = {
            name: value
            for name, value in parse_qsl(here.query)
            if name.startswith("utm_") and value
        }
        if campaign:
            names = ("utm_source", "utm_medium", "utm_campaign")
            return " / ".join(campaign[name] for name in names if name in campaign)[
                :_LONGEST_SOURCE
            ]
        if there.hostname and there.hostname != here.hostname:
            return there.hostname[:_LONGEST_SOURCE]
    except ValueError:  # such as an address with half of an IPv6 address in it
        pass
    return ""


def _find_activities(activities: QuerySet, text: str, user: AnyUser) -> QuerySet:
    """Those in which a text is that this user may see."""
    found = Q()
    for name in TEXTS:
        found |= Q(**{f"{name}__icontains": text})
    if not may_see_contacts(user):
        found &= ~Q(has_personal_properties())
    return activities.filter(found | Q(type__name__icontains=text))


def _find_data_inputs(data_inputs: QuerySet, text: str, user: AnyUser) -> QuerySet:
    title = Q(activity__title__icontains=text)
    if not may_see_contacts(user):
        title &= ~Q(has_personal_properties("activity__type_id"))
    return data_inputs.filter(title | Q(fields__icontains=text))


def _data_inputs_of(contact: Contact, user: AnyUser) -> list[QuerySet]:
    title: Expression = Left("activity__title", SHOWN)
    if not may_see_contacts(user):
        is_personal = has_personal_properties("activity__type_id")
        title = Case(
            When(is_personal, then=F("activity__type__name")),
            default=title,
            output_field=TextField(),
        )
    data_inputs = (
        DataInput.objects.select_related("activity", "contact", "sent_by")
        .defer(*(f"activity__{name}" for name in (*TEXTS, "properties")))
        .annotate(title=title)
    )
    # Named on both sides, PostgreSQL starts with the data inputs where they are few, and else reads
    # the activities of the contact in their order.
    own = data_inputs.filter(contact=contact, activity__contact=contact)
    return [own, data_inputs.filter(sent_by=contact).exclude(contact=contact)]


def _data_input_entries(
    contact: Contact, data_inputs: list[DataInput], user: AnyUser
) -> Iterator[Entry]:
    for data_input in data_inputs:
        fields = [(label_of(name), value or EMPTY) for name, value in data_input.fields.items()]
        shown = {
            "outcome": OUTCOME(data_input),
            "fields": fields,
            "belongs_elsewhere": data_input.contact_id != contact.pk,
        }
        yield Entry(row=data_input, icon="edit_note", label="Data input", shown=shown)


def _seen(contact: Contact, user: AnyUser) -> list[tuple[str, object]]:
    """When the contact's activities began and from where, and when the newest one was.

    A contact that was merged has given its activities to another.
    """
    times = ContactSeen.objects.filter(contact=contact).values_list("first_seen", "last_seen")
    first, last = times.first() or (None, None)
    nothing = EMPTY if contact.merged_into_id else "Not yet"
    return [
        ("First seen", moment(first) if first else nothing),
        ("Last seen", moment(last) if last else nothing),
        ("First source", _first_source(contact, user) or EMPTY),
    ]


def _first_source(contact: Contact, user: AnyUser) -> str:
    """What the first activity tells: such as “newsletter / email, on www.example.com”."""
    (activities,) = _activities_of(contact, user)
    for activity in cut_short(activities.order_by("occurred_at", "pk")[:1]):
        source = source_of(activity.url, activity.referrer)
        where = str(activity.tracked_site or activity.channel)
        return f"{source}, on {where}" if source else where
    return ""


def _types(user: AnyUser) -> list[tuple[str, str]]:
    return [(str(pk), name) for pk, name in _names(ActivityType.objects.all())]


def _channels(user: AnyUser) -> list[tuple[str, str]]:
    return [(str(pk), name) for pk, name in _names(Channel.objects.all())]


def _names(rows: QuerySet) -> QuerySet:
    return rows.order_by(Lower("name"), "pk").values_list("pk", "name")


def _look_up_channels(changes: Sequence[ContactChange]) -> None:
    """Note where the data inputs came from that these changes are of."""
    keys = {change.activity_id for change in changes if change.activity_id is not None}
    activities = Activity.objects.filter(Among("pk", keys))
    names = dict(activities.values_list("pk", "channel__name"))
    for change in changes:
        name = names.get(change.activity_id) if change.activity_id is not None else None
        setattr(change, _CHANNEL, name or "")
        setattr(change, _IS_THERE, name is not None)


def _by_a_data_input(change: ContactChange, user: AnyUser) -> SafeString | str:
    """The source of a change, with a link to the activity whose data input it was."""
    text = change.get_source_display()
    if channel := getattr(change, _CHANNEL, ""):
        text = f"{text} of {channel}"
    # An activity may have been deleted for its age.
    if not may_see_activities(user) or not getattr(change, _IS_THERE, True):
        return text
    return link(reverse("admin:activities_activity_change", args=[change.activity_id]), text)


register_choice(TimelineChoice("type", "Type", may_see_activities, _types))
register_choice(TimelineChoice("channel", "Channel", may_see_activities, _channels))
register_source(ContactChange.Source.DATA_INPUT, _by_a_data_input, _look_up_channels)
register_entries(
    EntryKind(
        name="activities",
        title="Activities",
        position=10,
        may_see=may_see_activities,
        rows=_activities_of,
        at="occurred_at",
        describe=_activity_entries,
        template="activities/timeline/activity.html",
        facts=_seen,
        search=_find_activities,
        narrow={
            "type": lambda rows, pk: rows.filter(type=pk),
            "channel": lambda rows, pk: rows.filter(channel=pk),
        },
        in_sessions=True,
    )
)
register_entries(
    EntryKind(
        name="data-inputs",
        title="Data inputs",
        position=20,
        may_see=may_see_activities,
        rows=_data_inputs_of,
        at="activity__occurred_at",
        describe=_data_input_entries,
        template="activities/timeline/data_input.html",
        search=_find_data_inputs,
        narrow={
            "type": lambda rows, pk: rows.filter(activity__type=pk),
            "channel": lambda rows, pk: rows.filter(activity__channel=pk),
        },
        in_sessions=True,
    )
)
