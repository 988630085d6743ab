"""Merges: the record of those that were done, and the inbox of those that need a decision."""

from collections.abc import Iterator

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.views.decorators.http import require_GET, require_POST
from unfold.contrib.filters.admin import ChoicesDropdownFilter, ChoicesRadioFilter

from adminsite.columns import Badge, Code, Column, Moment, Short, labels_of
from adminsite.filters import TimeRangeFilter
from adminsite.formatting import change_url, link_to
from adminsite.options import EmptyState, ReadOnlyAdmin
from adminsite.permissions import AnyUser
from contacts.admin.decisions import decide_about_many
from contacts.admin.duplicates import search_progress, start_or_cancel
from contacts.admin.naming import NamingAdmin, hide_values
from contacts.admin.permissions import (
    may_change_contacts,
    may_decide_merges,
    may_see_contacts,
    may_see_merges,
)
from contacts.admin.searching import contact_named
from contacts.admin.snapshots import compare
from contacts.admin.timeline import Entry, EntryKind, register_entries
from contacts.admin.undo import undo_two_contacts, undoing_of
from contacts.merging import (
    CannotMerge,
    approve_merge,
    count_rows,
    dismiss_merge,
    have_different_emails,
)
from contacts.models import Contact, ContactMerge
from contacts.profile import fields_of

# In queries of their own: joined to few merges, PostgreSQL happens to read all contacts.
_BOTH = ("survivor", "loser")


def moved_text(merge: ContactMerge) -> str:
    """How many rows went to the survivor, such as “Activities: 12, agreements: 2”."""
    return capfirst(", ".join(f"{name}: {count:,}" for name, count in merge.moved.items()))


def contacts(merge: ContactMerge) -> str:
    """What the list calls a merge."""
    return str(merge)


def guids(merge: ContactMerge) -> str:
    """The name of a merge, to users who may not see contacts."""
    return f"{merge.loser.guid} into {merge.survivor.guid}"


class _NameAndGuid(Column):
    """One of the two contacts, for users who may see contacts; its GUID for the others."""

    def __init__(self, of: str, title: str) -> None:
        super().__init__(of, title, may_see=may_see_contacts, instead=Code(f"{of}.guid", title))

    def show(self, value: Contact) -> SafeString:
        return format_html("{}<br><code>{}</code>", link_to(value), value.guid)


_NAME = Short(contacts, "Contacts", may_see=may_see_contacts, instead=Column(guids, "Contacts"))
_STATUS = Badge(
    "status",
    labels=labels_of(
        {
            ContactMerge.Status.PENDING: "info",
            ContactMerge.Status.DONE: "good",
            ContactMerge.Status.REVIEW: "warning",
            ContactMerge.Status.DISMISSED: "neutral",
            ContactMerge.Status.UNDONE: "neutral",
        }
    ),
)
_REQUESTED = Moment("requested_at", "Requested")
_FINISHED = Moment("finished_at", "Finished")
_BY = Column("requested_by", empty="Throughline")


@admin.register(ContactMerge)
class ContactMergeAdmin(ReadOnlyAdmin, NamingAdmin):
    list_display = (_NAME, _STATUS, "reason", _REQUESTED, _FINISHED, _BY)
    list_filter = (
        ("status", ChoicesRadioFilter),
        ("reason", ChoicesDropdownFilter),
        ("requested_at", TimeRangeFilter),
    )
    list_select_related = ("requested_by", "decided_by")
    ordering = ("-requested_at", "-id")
    sortable_by = ()
    search_fields = ("survivor__guid",)
    search_help_text = "GUID or whole email of a contact"
    fields = (
        _STATUS,
        _NameAndGuid("survivor", "Survivor"),
        _NameAndGuid("loser", "Merged contact"),
        "reason",
        _REQUESTED,
        _FINISHED,
        _BY,
        Column("decided_by"),
        Column(moved_text, "What moved"),
        "detail",
    )
    names_contacts = ("survivor", "loser")
    empty_state = EmptyState(
        icon="merge",
        title="No merges yet",
        text=(
            "When an anonymous contact gives the email of a known one, the two become one contact, "
            "and the merge is recorded here. Contacts with different emails wait here for your "
            "decision. To merge by hand, select two contacts in the list of contacts."
        ),
        link_text="Go to the contacts",
        link_view="admin:contacts_contact_changelist",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        merges = super().get_queryset(request).select_related(*self.list_select_related)
        return merges.prefetch_related(*_BOTH)

    def find(self, request: HttpRequest, queryset: QuerySet, term: str) -> QuerySet:
        contact = contact_named(term, by_email=may_see_contacts(request.user))
        if contact is None:
            return queryset.none()
        return queryset.filter(Q(survivor=contact) | Q(loser=contact))

    def get_urls(self):
        decide = path(
            "<path:object_id>/decide/",
            require_POST(self.admin_site.admin_view(self.decide_view)),
            name="contacts_contactmerge_decide",
        )
        undo = path(
            "<int:merge_id>/undo/",
            self.admin_site.admin_view(self.undo_view),
            name="contacts_contactmerge_undo",
        )
        decisions = path(
            "decisions/",
            self.admin_site.admin_view(self.decisions_view),
            name="contacts_contactmerge_decisions",
        )
        search = path(
            "duplicates/",
            require_POST(self.admin_site.admin_view(self.duplicates_view)),
            name="contacts_contactmerge_duplicates",
        )
        progress = path(
            "duplicates/progress/",
            require_GET(self.admin_site.admin_view(self.progress_view)),
            name="contacts_contactmerge_progress",
        )
        return [decide, undo, decisions, search, progress, *super().get_urls()]

    def undo_view(self, request, merge_id):
        merge = self.get_object(request, str(merge_id))
        if merge is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, str(merge_id))
        return undo_two_contacts(self, request, merge)

    def decisions_view(self, request):
        return decide_about_many(self, request)

    def duplicates_view(self, request):
        return start_or_cancel(self, request)

    def progress_view(self, request):
        return search_progress(request)

    def decide_view(self, request, object_id):
        if not may_decide_merges(request.user):
            raise PermissionDenied
        merge = self.get_object(request, unquote(object_id))
        if merge is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        try:
            if "approve" in request.POST:
                approve_merge(merge, by=request.user)
                text = "The contacts become one in a moment."
            else:
                dismiss_merge(merge, by=request.user)
                text = "The contacts are kept apart."
            self.message_user(request, text, messages.SUCCESS)
        except CannotMerge as error:
            self.message_user(request, str(error), messages.ERROR)
        return HttpResponseRedirect(change_url(merge))

    def render_change_form(self, request, context, *args, obj=None, **kwargs):
        if obj is not None:
            is_done = obj.survivor_before is not None
            before = obj.survivor_before if is_done else fields_of(obj.survivor)
            lost = (obj.loser_before or {}) if is_done else fields_of(obj.loser)
            waits = obj.status == ContactMerge.Status.REVIEW
            rows = compare(before, lost, loser_wins=obj.loser_wins)
            may_decide = may_decide_merges(request.user)
            if obj.status == ContactMerge.Status.UNDONE:
                context |= undoing_of(obj)
            elif is_done and obj.status == ContactMerge.Status.DONE and may_decide:
                context["undo_url"] = reverse("admin:contacts_contactmerge_undo", args=[obj.pk])
            if waits and may_change_contacts(request.user):
                pair = [obj.survivor_id, obj.loser_id]
                context["choose_url"] = reverse("admin:contacts_contact_merge", args=pair)
            context |= {
                "rows": rows if may_see_contacts(request.user) else hide_values(rows),
                "is_done": is_done,
                "may_decide": waits and may_decide,
                "has_different_emails": have_different_emails(obj.survivor, obj.loser),
                "moving": count_rows(obj.loser) if waits else {},
            }
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)


def _merges_of(contact: Contact, user: AnyUser) -> tuple[QuerySet, QuerySet]:
    # Each side has an index by time; both together would have to be sorted.
    merges = ContactMerge.objects.select_related("requested_by")
    return merges.filter(survivor=contact), merges.filter(loser=contact)


def _entries(contact: Contact, merges: list[ContactMerge], user: AnyUser) -> Iterator[Entry]:
    both = {pk for merge in merges for pk in (merge.survivor_id, merge.loser_id)}
    others = Contact.objects.in_bulk(both - {contact.pk})
    for merge in merges:
        survived = merge.survivor_id == contact.pk
        shown = {
            "other": others[merge.loser_id if survived else merge.survivor_id],
            "survived": survived,
            "status": _STATUS(merge),
            "moved": moved_text(merge),
            "rows": compare(
                merge.survivor_before or {},
                merge.loser_before or {},
                loser_wins=merge.loser_wins,
            ),
        }
        yield Entry(row=merge, icon="merge", label="Merge", shown=shown)


register_entries(
    EntryKind(
        name="merges",
        title="Merges",
        position=40,
        may_see=may_see_merges,
        rows=_merges_of,
        at="requested_at",
        describe=_entries,
        template="contacts/timeline/merge.html",
    )
)
