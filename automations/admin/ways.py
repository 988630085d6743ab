"""The ways from activities to emails, and from emails to agreements: on pages and above lists."""

from collections.abc import Collection
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from activities.admin.activity import register_consequence
from activities.admin.permissions import may_see_activities
from activities.models import Activity, RejectedActivity
from adminsite.columns import Column
from adminsite.formatting import change_url, changelist_url, field_table, link_to, moment
from adminsite.navigation import ListLink, register_list_link
from adminsite.permissions import AnyUser
from adminsite.searching import as_id, as_uuid
from automations.admin.emails import STATUS as EMAIL_STATUS
from automations.admin.permissions import may_see_emails, may_see_runs
from automations.admin.runs import STATUS as RUN_STATUS
from automations.admin.showing import name_of
from automations.models import Automation, Email, Passage, Run
from consents.admin.agreement import register_way
from consents.models import ConsentAgreement

# Of one request, so many activities are looked at, and of an activity so many runs.
_MOST = 50


def runs_begun_by(activity_ids: Collection[int]) -> list[Run]:
    """The runs that these activities have begun, in order."""
    # With the automations named, the index of what is unique is of use.
    automations = list(Automation.objects.values_list("pk", flat=True))
    runs = Run.objects.filter(
        automation__in=automations, cause=Run.Cause.ACTIVITY, cause_id__in=activity_ids
    )
    return list(runs.select_related("automation").order_by("pk")[:_MOST])


def automations_of(activity: Activity) -> SafeString | None:
    """The runs that an activity has begun, each with the emails that it sent so far."""
    runs = runs_begun_by([activity.pk])
    emails = Email.objects.filter(run__in=runs).select_related("template").defer("html", "text")
    by_run: dict[int | None, list[Email]] = {}
    for email in emails.order_by("pk"):
        by_run.setdefault(email.run_id, []).append(email)
    rows = [
        (
            format_html("{} {}", link_to(run, run.automation), RUN_STATUS(run)),
            _said(by_run.get(run.pk, [])),
        )
        for run in runs
    ]
    return field_table(rows) if rows else None


def _said(emails: Collection[Email]) -> SafeString | str:
    return format_html_join(
        "",
        "<div>{} {} {}</div>",
        (
            (link_to(email, name_of(email)), EMAIL_STATUS(email), moment(email.prepared_at))
            for email in emails
        ),
    )


def logged_by(activity: Activity) -> SafeString | str | None:
    """The run that has logged an activity, if one has."""
    passage = Passage.objects.filter(activity_id=activity.pk).select_related("automation").first()
    return link_to(Run(pk=passage.run_id), passage.automation) if passage else None


def email_behind(agreement: ConsentAgreement) -> SafeString | str | None:
    """The email by whose link a contact has answered, if it was one."""
    email = _with_message_id(agreement.request_id.hex) if agreement.request_id else None
    return link_to(email, name_of(email)) if email else None


def way_of(request: HttpRequest) -> str:
    """Where what is searched for led to: to the email, if it is one, else to the activities.

    The search is for a request id, the id of an activity, or a Message-ID.
    """
    term = request.GET.get("q", "").strip().strip("<>")
    given = as_uuid(term.partition("@")[0])
    if given is not None and (email := _with_message_id(given.hex)) is not None:
        return change_url(email)
    ids = _activities(given, as_id(term))
    runs = runs_begun_by(ids) if ids else []
    emails = list(Email.objects.filter(run__in=runs).only("pk")[:2]) if runs else []
    if len(emails) == 1:
        return change_url(emails[0])
    if len(ids) == 1:
        return change_url(Activity(pk=ids[0]))
    return changelist_url(Activity, urlencode({"q": term})) if runs else ""


def _activities(request_id: UUID | None, activity_id: int | None) -> list[int]:
    if request_id is not None:
        found = Activity.objects.filter(request_id=request_id)
    elif activity_id is not None:
        found = Activity.objects.filter(pk=activity_id)
    else:
        return []
    return list(found.values_list("pk", flat=True)[:_MOST])


def _with_message_id(hexadecimal: str) -> Email | None:
    emails = Email.objects.filter(message_id__startswith=f"{hexadecimal}@")
    return emails.select_related("template").defer("html", "text").first()


def _may_see_ways(user: AnyUser) -> bool:
    return may_see_activities(user) and may_see_runs(user) and may_see_emails(user)


register_consequence(
    Column(automations_of, "Automations and emails", empty="None", may_see=_may_see_ways)
)
register_consequence(Column(logged_by, "Logged by the automation", may_see=may_see_runs))
register_way(Column(email_behind, "By a link in the email", may_see=may_see_emails))
for _model in (RejectedActivity, Activity, ConsentAgreement):
    register_list_link(
        _model,
        ListLink(title="What came of it", icon="mail", may_see=_may_see_ways, url_of=way_of),
    )
