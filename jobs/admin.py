"""Work in the admin: what waits, what could not be done and why, and what comes round."""

from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import NoReverseMatch, path, reverse
from django.utils.text import capfirst
from django.views.decorators.http import require_POST

from adminsite.columns import Column, Moment, Short
from adminsite.counting import COUNTED, count_up_to, say_count
from adminsite.dashboard import CardContent, DashboardCard, Figure, register_card
from adminsite.formatting import badge, changelist_url
from adminsite.navigation import SidebarItem, register_item
from adminsite.options import ReadOnlyAdmin
from adminsite.permissions import AnyUser, may_see_rows
from jobs import bulk_admin  # noqa: F401 -- a page of its own
from jobs.declaring import Job, jobs
from jobs.jobs import CHORES
from jobs.models import Chore, Waiting
from jobs.permissions import may_see_work, may_try_again
from jobs.tasks import ring
from jobs.working import try_again

# So many are shown of the rows that failed.
_SHOWN = 20


@dataclass(frozen=True)
class Failed:
    """A row that could not be done, and the page that shows what it is about."""

    row: Waiting
    url: str


@dataclass(frozen=True)
class Work:
    """How one job is doing."""

    job: Job
    title: str
    waiting: str
    failed: list[Failed]
    more: int


def work_of(job: Job, user: AnyUser) -> Work:
    """What waits of a job; two queries, or three if something failed."""
    waiting = job.model._default_manager.filter(job.waiting)
    failing = waiting.filter(attempts__gt=0)
    rows = list(failing.order_by("due_at")[:_SHOWN])
    return Work(
        job=job,
        title=capfirst(job.name),
        waiting=say_count(count_up_to(waiting, COUNTED), COUNTED),
        failed=[Failed(row, _page_of(job, row, user)) for row in rows],
        more=count_up_to(failing, COUNTED) - len(rows) if len(rows) == _SHOWN else 0,
    )


def number_of_failures() -> int:
    """How many rows of all jobs could not be done, each job counted up to a limit; one query."""
    failing = [
        job.model._default_manager.filter(job.waiting, attempts__gt=0).values("pk")[:COUNTED]
        for job in jobs.values()
    ]
    return failing[0].union(*failing[1:], all=True).count()


def _page_of(job: Job, row: Waiting, user: AnyUser) -> str:
    """The address of the page that shows what `row` is about, or "" if the user may not see it."""
    shown: Any = job.model
    if job.shown_by:
        shown = shown._meta.get_field(job.shown_by).related_model
    if not may_see_rows(user, shown):
        return ""
    model = shown._meta
    key = getattr(row, f"{job.shown_by}_id") if job.shown_by else row.pk
    try:
        return reverse(f"admin:{model.app_label}_{model.model_name}_change", args=[key])
    except NoReverseMatch:  # it has no page of its own
        return ""


def state(row: Waiting) -> str:
    """Whether the last attempt went well."""
    if not row.attempts:
        return badge("Works", "good")
    times = "Failed once" if row.attempts == 1 else f"Failed {row.attempts:,} times"
    return badge(times, "bad")


def what(chore: Chore) -> str:
    """What is done."""
    return capfirst(chore.name)


_NAME = Column(what, "Comes round")
_STATE = Column(state, "State")
_DONE = Moment("done_at", "Last done")
_DUE = Moment("due_at", "Next time")


@admin.register(Chore)
class WorkAdmin(ReadOnlyAdmin):
    list_display = (_NAME, _STATE, _DONE, _DUE, Short("last_error", "Last error"))
    ordering = ("name",)
    sortable_by = ()
    list_before_template = "jobs/work.html"
    fieldsets = ((None, {"fields": (_NAME, _STATE, _DONE, _DUE, "last_error")}),)
    readonly_fields = fieldsets[0][1]["fields"]

    def get_urls(self):
        again = path(
            "try-again/",
            require_POST(self.admin_site.admin_view(self.try_again_view)),
            name="jobs_chore_try_again",
        )
        return [again, *super().get_urls()]

    def changelist_view(self, request, extra_context=None):
        rows = [work_of(job, request.user) for job in jobs.values() if job is not CHORES]
        extra = {
            "title": "Work",
            "work": rows,
            "may_try_again": may_try_again(request.user),
        }
        return super().changelist_view(request, extra | (extra_context or {}))

    def try_again_view(self, request: HttpRequest) -> HttpResponse:
        """Have what failed of a job done at once: one row, or all of them."""
        if not may_try_again(request.user):
            raise PermissionDenied
        job = jobs.get(request.POST.get("job", ""))
        if job is None:
            raise Http404("There is no such job.")
        failed: QuerySet[Model] = job.model._default_manager.filter(attempts__gt=0)
        if key := request.POST.get("row"):
            failed = failed.filter(pk=int(key) if key.isdecimal() and len(key) < 19 else None)
        count = try_again(job, list(failed.values_list("pk", flat=True)[:COUNTED]))
        ring(job.name)
        if count:
            self.message_user(request, "A worker tries again in a moment.", messages.SUCCESS)
        else:
            self.message_user(request, "Nothing failed is left to try again.", messages.INFO)
        return HttpResponseRedirect(changelist_url(Chore))


def _failures(request: HttpRequest) -> CardContent:
    count = number_of_failures()
    if not count:
        return CardContent()
    return CardContent(
        figures=[
            Figure(
                name="Could not be done",
                icon="error",
                value=f"{count:,}",
                note="See why, and try again",
                url=changelist_url(Chore),
                is_urgent=True,
            )
        ]
    )


register_card(DashboardCard(position=90, may_see=may_see_work, build=_failures))
register_item(
    SidebarItem(
        group="Settings",
        position=55,
        title="Work",
        icon="checklist",
        view="admin:jobs_chore_changelist",
        may_see=may_see_work,
    )
)
