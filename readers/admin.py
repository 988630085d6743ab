"""Readers in the admin: how far each is, and why one that fails does."""

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path
from django.utils import timezone
from django.views.decorators.http import require_POST

from adminsite.columns import Column, Moment, Short
from adminsite.counting import COUNTED, say_count
from adminsite.dashboard import CardContent, DashboardCard, Figure, register_card
from adminsite.formatting import changelist_url
from adminsite.navigation import SidebarItem, register_item
from adminsite.options import EmptyState, ReadOnlyAdmin
from jobs.admin import state
from readers.models import ReaderState
from readers.permissions import may_see_readers, may_try_again
from readers.positions import place_of
from readers.reading import declared_readers, try_again


def waits_to_be_read(reader: ReaderState) -> str:
    """How many rows of each log it has not read."""
    declared = declared_readers().get(reader.name)
    if declared is None:
        return "There is no such reader any more"
    counts = {log.name: place_of(reader.name, log).count(COUNTED + 1) for log in declared.logs}
    return ", ".join(_words(*one) for one in counts.items() if one[1]) or "Nothing"


def next_attempt(reader: ReaderState):
    """When one that failed reads again."""
    is_pausing = reader.attempts and reader.due_at > timezone.now()
    return reader.due_at if is_pausing else None


def _words(name: str, count: int) -> str:
    return f"{name}: {say_count(count, COUNTED)}"


_NAME = Column("name", "Reader")
_STATE = Column(state, "State")
_WAITING = Column(waits_to_be_read, "Waits to be read")
_READ = Moment("read_at", "Last read something", seconds=True)
_DUE = Moment(next_attempt, "Next attempt", seconds=True)


@admin.register(ReaderState)
class ReaderStateAdmin(ReadOnlyAdmin):
    list_display = (_NAME, _STATE, _WAITING, _READ, Short("last_error", "Last error"), _DUE)
    ordering = ("name",)
    sortable_by = ()
    list_before_template = "readers/failing.html"
    list_help = (
        "A reader does what follows from what was recorded, such as counting it, within a second "
        "or so. Nothing is lost while one fails: it is tried again, and goes on where it was."
    )
    fieldsets = ((None, {"fields": (_NAME, _STATE, _WAITING, _READ, "last_error", _DUE)}),)
    readonly_fields = fieldsets[0][1]["fields"]
    empty_state = EmptyState(
        icon="sync",
        title="No reader has read anything yet",
        text="Readers appear here as soon as a worker runs and something was recorded.",
    )

    def get_urls(self):
        again = path(
            "try-again/",
            require_POST(self.admin_site.admin_view(self.try_again_view)),
            name="readers_readerstate_try_again",
        )
        return [again, *super().get_urls()]

    def changelist_view(self, request, extra_context=None):
        names = declared_readers().keys() if may_try_again(request.user) else ()
        extra = {"may_be_tried_again": names}
        return super().changelist_view(request, extra | (extra_context or {}))

    def try_again_view(self, request: HttpRequest) -> HttpResponse:
        """Let a reader that failed read at once, instead of after its pause."""
        if not may_try_again(request.user):
            raise PermissionDenied
        reader = declared_readers().get(request.POST.get("reader", ""))
        if reader is None:
            raise Http404("There is no such reader.")
        if try_again(reader):
            self.message_user(request, "A worker tries again in a moment.", messages.SUCCESS)
        else:
            self.message_user(request, f"“{reader.name}” works: there is nothing to try again.")
        return HttpResponseRedirect(changelist_url(ReaderState))


def _failing(count: int) -> str:
    if not count:
        return "All work"
    return "1 fails" if count == 1 else f"{count:,} fail"


def _readers(request: HttpRequest) -> CardContent:
    failing = list(ReaderState.objects.filter(attempts__gt=0).values_list("name", flat=True))
    figure = Figure(
        name="Readers",
        icon="sync",
        value=_failing(len(failing)),
        note=", ".join(failing) if failing else "What follows from what is recorded is done",
        url=changelist_url(ReaderState),
        is_urgent=bool(failing),
    )
    return CardContent(figures=[figure])


register_card(DashboardCard(position=91, may_see=may_see_readers, build=_readers))
register_item(
    SidebarItem(
        group="Settings",
        position=60,
        title="Readers",
        icon="sync",
        view="admin:readers_readerstate_changelist",
        may_see=may_see_readers,
    )
)
