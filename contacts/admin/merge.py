"""Merges: the record of those that were done, and the inbox of those that need a decision."""

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import path
from django.utils.html import format_html
from django.utils.text import capfirst
from django.views.decorators.http import require_POST
from unfold.contrib.filters.admin import ChoicesDropdownFilter, ChoicesRadioFilter
from unfold.decorators import display

from adminsite.filters import TimeRangeFilter
from adminsite.formatting import (
    EMPTY,
    badge,
    change_url,
    copyable,
    link_to,
    moment,
    shortened,
)
from adminsite.options import EmptyState, ReadOnlyAdmin
from contacts.admin.naming import NamingAdmin, hide_values, may_see_contacts
from contacts.admin.searching import contact_named
from contacts.admin.sections import ContactSection, SectionContent, register_section
from contacts.admin.snapshots import compare, fields_of
from contacts.merging import CannotMerge, approve_merge, count_rows, dismiss_merge
from contacts.models import Contact, ContactMerge

_STATUS_KINDS: dict[str, str] = {
    ContactMerge.Status.PENDING: "info",
    ContactMerge.Status.DONE: "good",
    ContactMerge.Status.REVIEW: "warning",
    ContactMerge.Status.DISMISSED: "neutral",
}
_SHOWN_ON_CONTACT = 50

# In queries of their own: joined to few merges, PostgreSQL happens to read all contacts.
_BOTH = ("survivor", "loser")


@admin.register(ContactMerge)
class ContactMergeAdmin(ReadOnlyAdmin, NamingAdmin):
    list_display = (
        "shown_merge",
        "shown_status",
        "reason",
        "shown_requested",
        "shown_finished",
        "shown_by",
    )
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
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "shown_status",
                    "shown_survivor",
                    "shown_loser",
                    "reason",
                    "shown_requested",
                    "shown_finished",
                    "shown_by",
                    "shown_decided_by",
                    "shown_moved",
                    "detail",
                )
            },
        ),
    )
    instead_of_names = {
        "shown_merge": "shown_guids",
        "shown_survivor": "shown_survivor_guid",
        "shown_loser": "shown_loser_guid",
    }
    names_contacts = ("survivor", "loser")
    readonly_fields = (*fieldsets[0][1]["fields"], "shown_survivor_guid", "shown_loser_guid")
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
        contact = contact_named(term, by_email=may_see_contacts(request))
        if contact is None:
            return queryset.none()
        return queryset.filter(Q(survivor=contact) | Q(loser=contact))

    def get_urls(self):
        decide = path(
            "<path:object_id>/decide/",
            require_POST(self.admin_site.admin_view(self.decide_view)),
            name="contacts_contactmerge_decide",
        )
        return [decide, *super().get_urls()]

    def may_decide(self, request: HttpRequest) -> bool:
        """Whether this user may merge contacts or keep them apart."""
        return request.user.has_perm("contacts.change_contactmerge")

    def decide_view(self, request, object_id):
        merge = self.get_object(request, unquote(object_id))
        if merge is None or not self.may_decide(request):
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
            rows = compare(before, lost)
            context |= {
                "rows": rows if may_see_contacts(request) else hide_values(rows),
                "is_done": is_done,
                "may_decide": waits and self.may_decide(request),
                "moving": count_rows(obj.loser) if waits else {},
            }
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)

    @display(description="Contacts")
    def shown_merge(self, merge):
        return shortened(f"{merge.loser} into {merge.survivor}")

    @display(description="Contacts")
    def shown_guids(self, merge):
        return f"{merge.loser.guid} into {merge.survivor.guid}"

    @display(description="Status")
    def shown_status(self, merge):
        return badge(merge.get_status_display(), _STATUS_KINDS[merge.status])

    @display(description="Survivor")
    def shown_survivor(self, merge):
        return _named(merge.survivor)

    @display(description="Merged contact")
    def shown_loser(self, merge):
        return _named(merge.loser)

    @display(description="Survivor")
    def shown_survivor_guid(self, merge):
        return copyable(merge.survivor.guid)

    @display(description="Merged contact")
    def shown_loser_guid(self, merge):
        return copyable(merge.loser.guid)

    @display(description="Requested")
    def shown_requested(self, merge):
        return moment(merge.requested_at)

    @display(description="Finished")
    def shown_finished(self, merge):
        return moment(merge.finished_at)

    @display(description="Requested by")
    def shown_by(self, merge):
        return merge.requested_by or "Throughline"

    @display(description="Decided by")
    def shown_decided_by(self, merge):
        return merge.decided_by or EMPTY

    @display(description="What moved")
    def shown_moved(self, merge):
        return moved_text(merge) or EMPTY


def moved_text(merge: ContactMerge) -> str:
    """How many rows went to the survivor, such as “Activities: 12, agreements: 2”."""
    return capfirst(", ".join(f"{name}: {count:,}" for name, count in merge.moved.items()))


def merges_needing_decision(request: HttpRequest) -> str:
    """How many merges wait for a person, for the badge in the sidebar; nothing if none do."""
    if not request.user.has_perm("contacts.view_contactmerge"):
        return ""
    waiting = ContactMerge.objects.filter(status=ContactMerge.Status.REVIEW)
    return str(waiting.count() or "")


def _named(contact: Contact):
    return format_html("{}<br><code>{}</code>", link_to(contact), contact.guid)


def _merges_section(request: HttpRequest, contact: Contact) -> SectionContent:
    merges = ContactMerge.objects.filter(Q(survivor=contact) | Q(loser=contact))
    newest = list(
        merges.select_related("requested_by", "decided_by")
        .prefetch_related(*_BOTH)
        .order_by("-requested_at", "-id")[:_SHOWN_ON_CONTACT]
    )
    entries = [
        {
            "merge": merge,
            "other": merge.loser if merge.survivor_id == contact.pk else merge.survivor,
            "survived": merge.survivor_id == contact.pk,
            "badge": badge(merge.get_status_display(), _STATUS_KINDS[merge.status]),
            "moved": moved_text(merge),
            "rows": compare(merge.survivor_before or {}, merge.loser_before or {}),
            "url": change_url(merge),
        }
        for merge in newest
    ]
    return SectionContent(context={"entries": entries}, count=str(len(entries) or ""))


register_section(
    ContactSection(
        slug="merges",
        title="Merges",
        position=40,
        permission="contacts.view_contactmerge",
        template="contacts/sections/merges.html",
        build=_merges_section,
    )
)
