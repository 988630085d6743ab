"""What contacts did and what they said about themselves: on their pages, and in their list."""

from itertools import groupby

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest
from django.utils import timezone

from activities.admin.activity import outcome_badge
from activities.admin.long_texts import cut_short, without_long_texts
from activities.models import Activity, DataInput, SystemType
from adminsite.formatting import EMPTY, change_url, moment
from adminsite.searching import as_id
from contacts.admin.columns import ContactColumn, register_column
from contacts.admin.sections import ContactSection, SectionContent, register_section
from contacts.admin.snapshots import label_of
from contacts.models import Contact

_SEE_ACTIVITIES = "activities.view_activity"
_PER_PAGE = 50
_DATA_INPUTS = 50
_ICONS: dict[str, str] = {
    SystemType.PAGE_VISIT: "visibility",
    SystemType.LANDING_PAGE: "flight_land",
    SystemType.CLICK: "ads_click",
    SystemType.DATA_INPUT: "edit_note",
}


def page_of_timeline(contact: Contact, before: int | None) -> tuple[list[Activity], bool]:
    """The next activities of `contact` from the newest or from activity `before` backwards.

    Also whether there are older ones. Pages are found by their key, so the last costs what the
    first does.
    """
    activities: QuerySet[Activity] = contact.activities.all()
    if before is not None:
        start = activities.filter(pk=before).values_list("occurred_at", flat=True).first()
        if start is not None:
            activities = activities.filter(occurred_at__lte=start).filter(
                Q(occurred_at__lt=start) | Q(pk__lt=before)
            )
    found = cut_short(
        without_long_texts(activities)
        .select_related("type", "channel", "tracked_site")
        .order_by("-occurred_at", "-id")[: _PER_PAGE + 1]
    )
    return found[:_PER_PAGE], len(found) > _PER_PAGE


def _timeline_section(request: HttpRequest, contact: Contact) -> SectionContent:
    before = as_id(request.GET.get("before", ""))
    activities, has_older = page_of_timeline(contact, before)
    entries = [
        {
            "activity": activity,
            "icon": _ICONS.get(activity.type.code_name, "bolt"),
            "url": change_url(activity),
            # The title of most activities says the value already.
            "shows_value": activity.value and f"'{activity.value}'" not in activity.title,
        }
        for activity in activities
    ]
    facts = []
    if before is None:
        newest = activities[0].occurred_at if activities else None
        facts.append(("Last activity", moment(newest)))
    return SectionContent(
        context={
            "days": [(day, list(group)) for day, group in groupby(entries, key=_day)],
            "older": activities[-1].pk if has_older else None,
            "is_older_page": before is not None,
        },
        count=f"{_PER_PAGE}+" if has_older else str(len(activities) or ""),
        facts=facts,
    )


def _day(entry: dict):
    return timezone.localtime(entry["activity"].occurred_at).date()


def _data_input_section(request: HttpRequest, contact: Contact) -> SectionContent:
    data_inputs = list(
        DataInput.objects.filter(Q(contact=contact) | Q(sent_by=contact))
        .select_related("activity", "contact", "sent_by")
        .defer("activity__url", "activity__referrer", "activity__properties")
        .order_by("-activity_id")[:_DATA_INPUTS]
    )
    entries = [
        {
            "data_input": one,
            "badge": outcome_badge(one),
            "fields": [(label_of(name), value or EMPTY) for name, value in one.fields.items()],
            "belongs_elsewhere": one.contact_id != contact.pk,
        }
        for one in data_inputs
    ]
    return SectionContent(context={"entries": entries}, count=str(len(entries) or ""))


def _last_activity() -> Subquery:
    of_contact = Activity.objects.filter(contact=OuterRef("pk"))
    return Subquery(of_contact.order_by("-occurred_at", "-id").values("occurred_at")[:1])


register_column(
    ContactColumn(
        name="last_activity",
        title="Last activity",
        permission=_SEE_ACTIVITIES,
        value=_last_activity,
        show=moment,
    )
)
register_section(
    ContactSection(
        slug="activity",
        title="Activity",
        position=10,
        permission=_SEE_ACTIVITIES,
        template="activities/sections/timeline.html",
        build=_timeline_section,
    )
)
register_section(
    ContactSection(
        slug="data-input",
        title="Data input",
        position=30,
        permission=_SEE_ACTIVITIES,
        template="activities/sections/data_input.html",
        build=_data_input_section,
    )
)
