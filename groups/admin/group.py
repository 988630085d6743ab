"""Contact groups: the list, the form with the builder, and a group's page."""

from urllib.parse import urlencode

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.db.models.functions import Lower
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.views.decorators.http import require_GET, require_POST
from unfold.contrib.filters.admin import BooleanRadioFilter
from unfold.widgets import INPUT_CLASSES

from adminsite.careful import CarefulAdmin
from adminsite.deleting import ExplainedDeletionAdmin
from adminsite.formatting import change_url
from adminsite.options import EmptyState, StayingAdmin
from adminsite.searching import as_id
from contacts.admin.permissions import may_see_contacts
from contacts.models import Contact
from groups.admin import members, previewing
from groups.admin.forms import GroupForm
from groups.admin.from_lists import tell_remarks, translate
from groups.admin.listing import COLUMNS, NAME, with_figures
from groups.admin.offers import offers
from groups.admin.page import head_of, page_of, progress_of
from groups.admin.permissions import may_build_rules
from groups.admin.telling import check_may_save
from groups.admin.why import why
from groups.locks import lock_rules
from groups.membership import NotStatic
from groups.models import ContactGroup, GroupBuild, rule_for_everybody
from groups.requesting import CannotBuild, cancel_build, request_build
from groups.rules import InvalidRule, parse
from groups.saving import GroupInUse, check_unused, delete_group, save_group


@admin.register(ContactGroup)
class ContactGroupAdmin(StayingAdmin, CarefulAdmin, ExplainedDeletionAdmin):
    form = GroupForm
    refusals = (InvalidRule, ValidationError)
    in_use = (GroupInUse,)
    list_display = COLUMNS
    list_filter = (("enabled", BooleanRadioFilter), ("static", BooleanRadioFilter))
    ordering = (Lower("name"),)
    sortable_by = (NAME,)
    search_fields = ("name", "code_name")
    search_help_text = "Name or code name"
    prepopulated_fields = {"code_name": ("name",)}
    list_help = (
        "A dynamic group follows what people do by itself, to the second. A static one has the "
        "contacts that you put there."
    )
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "name",
                    "code_name",
                    "description",
                    "enabled",
                    "visible_to_websites",
                    "static",
                )
            },
        ),
        ("Who is in it", {"fields": ("rule",)}),
    )
    empty_state = EmptyState(
        icon="groups",
        title="No contact groups yet",
        text=(
            "A contact group is everybody who fits a rule, such as “visited a page about loans in "
            "the last 30 days and agreed to marketing”, or a list that you keep by hand. Add one, "
            "build its rule by clicking, and watch whom it matches."
        ),
    )

    def get_list_queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return with_figures(queryset)

    def locked(self, row):
        # Saving locks in this order.
        lock_rules()
        return super().locked(row)

    def get_urls(self):
        def url(route, view, name):
            return path(route, self.admin_site.admin_view(view), name=f"groups_contactgroup_{name}")

        return [
            url("preview/", require_POST(self.preview_view), "preview"),
            url("suggest/", require_GET(self.suggest_view), "suggest"),
            url("<int:group_id>/head/", require_GET(self.head_view), "head"),
            url("<int:group_id>/build/", require_POST(self.build_view), "build"),
            url("<int:group_id>/cancel/", require_POST(self.cancel_view), "cancel"),
            url("<int:group_id>/members/", require_POST(self.members_view), "members"),
            url("<int:group_id>/upload/", require_POST(self.upload_view), "upload"),
            url("<int:group_id>/download/", require_GET(self.download_view), "download"),
            url("<int:group_id>/why/<int:contact_id>/", require_GET(self.why_view), "why"),
            *super().get_urls(),
        ]

    def preview_view(self, request: HttpRequest) -> JsonResponse:
        """What the rule that the builder sends says and matches."""
        if not may_build_rules(request.user):
            raise PermissionDenied
        return previewing.preview(request)

    def suggest_view(self, request: HttpRequest) -> JsonResponse:
        """Values for a text of a condition."""
        if not may_build_rules(request.user):
            raise PermissionDenied
        return previewing.suggest(request)

    def head_view(self, request: HttpRequest, group_id: int) -> HttpResponse:
        """How a build is doing, which the page of its group shows anew while it runs.

        Once it is over, the answer is the whole head of the page.
        """
        group = self._group(request, group_id)
        progress = progress_of(group)
        if progress["build"] is not None:
            return TemplateResponse(request, "groups/progress.html", progress)
        context = head_of(request, group)
        headers = {"HX-Retarget": "#group-head", "HX-Reswap": "outerHTML"}
        return TemplateResponse(request, "groups/head.html", context, headers=headers)

    def build_view(self, request: HttpRequest, group_id: int) -> HttpResponse:
        """Have a worker build the group."""
        group = self._group(request, group_id, to_change=True)
        try:
            request_build(group, members.user_of(request))
        except CannotBuild as error:
            self.message_user(request, str(error), messages.ERROR)
        return HttpResponseRedirect(change_url(group))

    def cancel_view(self, request: HttpRequest, group_id: int) -> HttpResponse:
        """Give up the build of the group that waits or is under way."""
        group = self._group(request, group_id, to_change=True)
        build = group.builds.filter(status=GroupBuild.Status.WAITING).first()
        if build is not None and cancel_build(build):
            text = (
                "The build was cancelled. The members stay those of the last build: "
                "build the group to bring them up to date."
            )
            self.message_user(request, text, messages.SUCCESS)
        else:
            self.message_user(request, "No build was under way any more.", messages.WARNING)
        return HttpResponseRedirect(change_url(group))

    def members_view(self, request: HttpRequest, group_id: int) -> HttpResponse:
        """Add one contact to a list, or remove it."""
        group = self._group(request, group_id, to_change=True, with_people=True)
        try:
            level, text = members.choose(request, group)
        except NotStatic as error:
            level, text = messages.ERROR, str(error)
        self.message_user(request, text, level)
        contact_id = as_id(request.POST.get("contact", ""))
        if request.POST.get("back") == "contact" and contact_id is not None:
            return HttpResponseRedirect(f"{change_url(Contact(pk=contact_id))}#groups")
        find = request.POST.get("find", "")
        query = f"?{urlencode({'find': find})}" if find else ""
        return HttpResponseRedirect(f"{change_url(group)}{query}#members")

    def upload_view(self, request: HttpRequest, group_id: int) -> HttpResponse:
        """Add the contacts of a file to a list, or remove them; the page says who was rejected."""
        group = self._group(request, group_id, to_change=True, with_people=True)
        try:
            found = members.upload(request, group)
        except NotStatic as error:
            found = {"error": str(error)}
        level, text = members.said_of_upload(found)
        self.message_user(request, text, level)
        if not found.get("rejected"):
            return HttpResponseRedirect(f"{change_url(group)}#members")
        context = {
            **self.admin_site.each_context(request),
            **found,
            "title": group.name,
            "opts": self.opts,
            "group_url": f"{change_url(group)}#members",
        }
        return TemplateResponse(request, "groups/rejected.html", context)

    def download_view(self, request: HttpRequest, group_id: int) -> HttpResponseBase:
        """The members as a CSV."""
        return members.download(self._group(request, group_id, with_people=True))

    def why_view(self, request: HttpRequest, group_id: int, contact_id: int) -> HttpResponse:
        """Why a contact is in the group, or is not."""
        group = self._group(request, group_id, with_people=True)
        context = {
            **self.admin_site.each_context(request),
            **why(request, group, contact_id),
            "title": f"Why in {group.name}?",
            "opts": self.opts,
            "input_class": " ".join(INPUT_CLASSES),
        }
        return TemplateResponse(request, "groups/why.html", context)

    def _group(
        self,
        request: HttpRequest,
        group_id: int,
        *,
        to_change: bool = False,
        with_people: bool = False,
    ) -> ContactGroup:
        """The group of an address.

        :raises PermissionDenied: if the user may not see it, or not change it if that is asked for,
            or not see contacts
        """
        group = self.get_object(request, str(group_id))
        is_allowed = self.has_change_permission if to_change else self.has_view_permission
        if not is_allowed(request, group) or (with_people and not may_see_contacts(request.user)):
            raise PermissionDenied
        if group is None:
            raise Http404("There is no such contact group.")
        return group

    def get_fieldsets(self, request, obj=None):
        settings, *rule = super().get_fieldsets(request, obj)
        if obj is None:
            return [settings, *rule]
        # What a group is stays; its head says it.
        title, options = settings
        fields = tuple(name for name in options["fields"] if name != "static")
        return [(title, {**options, "fields": fields}), *([] if obj.static else rule)]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict:
        translated = translate(request.GET)
        if translated is None:
            return super().get_changeform_initial_data(request)
        return {"rule": translated.rule}

    def render_change_form(self, request, context, *args, obj=None, **kwargs):
        field = context["adminform"].form.fields.get("rule")
        if field is not None:
            field.widget.offers = offers(obj)
            field.widget.preview_url = reverse("admin:groups_contactgroup_preview")
            field.widget.suggest_url = reverse("admin:groups_contactgroup_suggest")
        if obj is None:
            tell_remarks(request)
        else:
            context |= page_of(request, obj)
            context["input_class"] = " ".join(INPUT_CLASSES)
            context["download_url"] = reverse("admin:groups_contactgroup_download", args=[obj.pk])
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)

    def save_model(self, request, obj, form, change):
        begin_with = None
        if "rule" in form.changed_data:
            check_may_save(request.user, parse(obj.rule))
        if obj.static and not change:
            # A list has no rule of its own; the one that was built says whom it begins with.
            begin_with, obj.rule = parse(obj.rule), rule_for_everybody()
        save_group(obj, by=request.user)
        if begin_with is not None and begin_with.conditions:
            members.fill(obj, begin_with, request.user)

    def check_unused(self, instance: ContactGroup) -> None:
        check_unused(instance)

    def delete_model(self, request, obj):
        delete_group(obj)
