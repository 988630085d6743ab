"""Email templates: the list, and the form with the builder."""

from collections.abc import Callable

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Case, OuterRef, QuerySet, Value, When
from django.db.models.functions import Lower
from django.http import HttpRequest, JsonResponse
from django.urls import path, reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.views.decorators.http import require_GET, require_POST

from activities.models import ActivityType
from adminsite.careful import CarefulAdmin
from adminsite.columns import Column, Json, Moment, Short
from adminsite.counting import COUNTED, CountOf, say_count
from adminsite.deleting import ExplainedDeletionAdmin
from adminsite.formatting import badge, link_to
from adminsite.navigation import SidebarItem, register_item
from adminsite.options import EmptyState, StayingAdmin
from adminsite.permissions import AnyUser
from automations.admin import template_preview
from automations.admin.permissions import (
    may_add_templates,
    may_change_templates,
    may_see_templates,
)
from automations.admin.template_forms import TemplateForm
from automations.emails.saving import (
    TemplateInUse,
    automations_that_send,
    check_unused,
    delete_template,
    save_template,
    templates_in,
)
from automations.models import Automation, Email, Template
from consents.models import Consent
from contacts.admin.permissions import may_see_contacts
from contacts.profile import FIELDS
from database.letter_case import fold

_MOST_EVENTS = 500

register_item(
    SidebarItem(
        group="Automations",
        position=20,
        title="Email templates",
        icon="drafts",
        view="admin:automations_template_changelist",
        may_see=may_see_templates,
    )
)


def needs(template: Template) -> SafeString | str:
    """What a contact must have agreed to before the email may go out."""
    return str(template.consent) if template.consent else badge("Transactional", "info")


def used_by(template) -> str:
    """The automations that send it."""
    return template.users


def sent(template) -> str:
    """How many emails of it the mail server has taken."""
    return say_count(template.sent, COUNTED)


def automations(template: Template) -> SafeString | str:
    """The automations that send it, or have contacts inside who wait for it."""
    links = ((link_to(one),) for one in automations_that_send(template))
    return format_html_join(", ", "{}", links)


_BLOCKS = Json("blocks")
_AUTOMATIONS = Column(automations, "Sent by", empty="No automation yet")
NAME = Short("name", "Template", ordering="name")


@admin.register(Template)
class TemplateAdmin(StayingAdmin, CarefulAdmin, ExplainedDeletionAdmin):
    form = TemplateForm
    in_use = (TemplateInUse,)
    list_display = (
        NAME,
        Column(needs),
        Column(used_by),
        Column(sent),
        Moment("changed_at", "Last changed", ordering="changed_at"),
    )
    list_select_related = ("consent",)
    ordering = (Lower("name"),)
    sortable_by = (NAME, list_display[-1])
    search_fields = ("name", "code_name", "subject")
    search_help_text = "Name, code name or subject"
    prepopulated_fields = {"code_name": ("name",)}
    list_help = (
        "What automations send. An email that needs a consent goes to contacts who agree to it, "
        "and has links with which they take that back."
    )
    fieldsets = (
        (None, {"fields": ("name", "code_name", "consent")}),
        (
            "What mail programs show",
            {"fields": ("subject", "preheader", "from_name", "from_email", "reply_to")},
        ),
        ("What the email says", {"fields": ("blocks",)}),
        (
            "What is counted of those who agree to that",
            {"fields": ("open_consent", "click_consent")},
        ),
    )
    readonly_fields = (_AUTOMATIONS, _BLOCKS)
    empty_state = EmptyState(
        icon="drafts",
        title="No email templates yet",
        text=(
            "A template is an email with places for what you know of each contact, such as the "
            "first name, or the link that came with an event. Add one, watch it grow in the "
            "preview, and let an automation send it."
        ),
    )

    def get_list_queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        emails = Email.objects.filter(template=OuterRef("pk"), status=Email.Status.SENT)
        return queryset.annotate(
            sent=CountOf(emails.order_by().values("pk")[: COUNTED + 1]),
            users=Case(
                *(
                    When(code_name__fold=code_name, then=Value(", ".join(names)))
                    for code_name, names in _users().items()
                ),
                default=Value(""),
            ),
        )

    def get_urls(self):
        def url(route, view, name):
            return path(
                route, self.admin_site.admin_view(view), name=f"automations_template_{name}"
            )

        return [
            url("preview/", require_POST(self.preview_view), "preview"),
            url("test/", require_POST(self.test_view), "test"),
            url("contacts/", require_GET(self.contacts_view), "contacts"),
            *super().get_urls(),
        ]

    def preview_view(self, request: HttpRequest) -> JsonResponse:
        """The email of the template that the builder sends."""
        _require(request.user, may_write_templates)
        return template_preview.preview(request)

    def test_view(self, request: HttpRequest) -> JsonResponse:
        """Send that email to an address of the user's."""
        _require(request.user, may_write_templates)
        return template_preview.send_test(request)

    def contacts_view(self, request: HttpRequest) -> JsonResponse:
        """Contacts whose email can be shown."""
        _require(request.user, may_write_templates, may_see_contacts)
        return template_preview.find_contacts(request)

    def get_fieldsets(self, request, obj=None):
        first, lines, says, counted = super().get_fieldsets(request, obj)
        if obj is None:
            return [first, lines, says, counted]
        if not self.has_change_permission(request, obj):
            # Who may only look has no builder.
            says = (says[0], {"fields": (_BLOCKS,)})
        return [(None, {"fields": (*first[1]["fields"], _AUTOMATIONS)}), lines, says, counted]

    def changeform_view(self, request, *args, **kwargs):
        response = super().changeform_view(request, *args, **kwargs)
        # The preview shows the pictures of the email, wherever they are.
        response._csp_update = {"img-src": ["https:"]}
        return response

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None and db_field.name == "consent":
            # Where “Transactional” is chosen there is no consent to look at.
            field.widget.can_change_related = field.widget.can_view_related = False
        return field

    def render_change_form(self, request, context, *args, **kwargs):
        field = context["adminform"].form.fields.get("blocks")
        if field is not None:
            field.widget.offers = offers()
            urls = {"preview": "preview", "test": "test"}
            if may_see_contacts(request.user):
                urls["contacts"] = "contacts"
            field.widget.urls = {
                name: reverse(f"admin:automations_template_{view}") for name, view in urls.items()
            }
        return super().render_change_form(request, context, *args, **kwargs)

    def save_model(self, request, obj, form, change):
        save_template(obj)

    def check_unused(self, instance: Template) -> None:
        check_unused(instance)

    def delete_model(self, request, obj):
        delete_template(obj)


def may_write_templates(user: AnyUser) -> bool:
    """Whether this user may add or change templates, and so see what they come to."""
    return may_add_templates(user) or may_change_templates(user)


def offers() -> dict[str, object]:
    """The places that texts may have, as pairs of what stands in the text and what it is called."""
    types = ActivityType.objects.filter(is_system=False, enabled=True).order_by(Lower("name"))
    events = types.values_list("code_name", "name")[:_MOST_EVENTS]
    consents = Consent.objects.order_by(Lower("name")).values_list("code_name", "name")
    return {
        "fields": [
            (f"{{{{ contact.{name} }}}}", capfirst(name.replace("_", " "))) for name in FIELDS
        ],
        "events": [
            (f"%EVENT: {code_name}%", name) for code_name, name in events if "%" not in code_name
        ],
        "consents": [(f'{{{{ confirm["{code_name}"] }}}}', name) for code_name, name in consents],
    }


def _users() -> dict[str, list[str]]:
    """The names of the automations that send each template, by its code name."""
    found: dict[str, list[str]] = {}
    running = Automation.objects.filter(archived_at__isnull=True).order_by(Lower("name"))
    for name, steps in running.values_list("name", "steps"):
        for code_name in {fold(one) for one in templates_in(steps)}:
            found.setdefault(code_name, []).append(name)
    return found


def _require(user: AnyUser, *permissions: Callable[[AnyUser], bool]) -> None:
    if not all(may(user) for may in permissions):
        raise PermissionDenied
