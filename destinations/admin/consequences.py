"""Where an event went: on the page of an activity, and from a search for it."""

from urllib.parse import urlencode

from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from activities.admin.activity import register_consequence
from activities.admin.permissions import may_see_activities
from activities.models import Activity, RejectedActivity
from adminsite.columns import Column
from adminsite.formatting import change_url, changelist_url, field_table, link_to, moment
from adminsite.navigation import ListLink, register_list_link
from adminsite.permissions import AnyUser
from adminsite.searching import as_id, as_uuid
from destinations.admin.delivery import STATUS
from destinations.admin.permissions import may_see_deliveries
from destinations.models import Delivery

# Of one request, so many activities are looked at.
_MOST = 50


def deliveries_of(activity: Activity) -> SafeString | None:
    """Each destination that is told of an activity, and what came of that."""
    deliveries = (
        Delivery.objects.filter(source=f"activity:{activity.pk}")
        .select_related("destination")
        .defer("payload", "answer")
        .order_by("destination__name", "pk")
    )
    rows = [(one.destination, _said(one)) for one in deliveries]
    return field_table(rows) if rows else None


def _said(delivery: Delivery) -> SafeString:
    at = delivery.delivered_at or delivery.attempted_at or delivery.created_at
    parts = (link_to(delivery, "Delivery"), STATUS(delivery), moment(at, seconds=True))
    why = f"Answer {delivery.answer_status}." if delivery.answer_status else ""
    if delivery.status == Delivery.Status.SKIPPED:
        why = delivery.reason
    return format_html('{} {} {} <span class="text-subtle">{}</span>', *parts, why)


def way_of(request: HttpRequest) -> str:
    """Where what is searched for has gone: to the delivery if it is one, else to the activities.

    The search is for a request id or the id of an activity; "" if no destination was told.
    """
    term = request.GET.get("q", "").strip()
    ids = _activities(term)
    sources = [f"activity:{key}" for key in ids]
    found = list(Delivery.objects.filter(source__in=sources).only("pk")[:2]) if ids else []
    if len(found) == 1:
        return change_url(found[0])
    if len(ids) == 1 and found:
        return change_url(Activity(pk=ids[0]))
    return changelist_url(Activity, urlencode({"q": term})) if found else ""


def _activities(term: str) -> list[int]:
    request_id, activity_id = as_uuid(term), as_id(term)
    if request_id is not None:
        rows = Activity.objects.filter(request_id=request_id)
        return list(rows.values_list("pk", flat=True)[:_MOST])
    return [] if activity_id is None else [activity_id]


def _may_see_ways(user: AnyUser) -> bool:
    return may_see_activities(user) and may_see_deliveries(user)


register_consequence(
    Column(deliveries_of, "Destinations", empty="None was told", may_see=may_see_deliveries)
)
for _model in (RejectedActivity, Activity):
    register_list_link(
        _model,
        ListLink("Where it went", "local_shipping", may_see=_may_see_ways, url_of=way_of),
    )
