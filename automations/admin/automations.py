"""Automations: the list, the form with the editor, and an automation's page."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.db.models.functions import Lower
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.views.decorators.http import require_GET, require_POST
from unfold.widgets import INPUT_CLASSES, SELECT_CLASSES

from adminsite.careful import CarefulAdmin
from adminsite.deleting import ExplainedDeletionAdmin
from adminsite.formatting import change_url
from adminsite.options import EmptyState, StayingAdmin
from adminsite.permissions import user_of
from adminsite.searching import as_id
from automations.admin import versions
from automations.admin.actions import ACTIONS, act
from automations.admin.counting import on_branches
from automations.admin.drawing import drawn
from automations.admin.forms import AutomationForm, json_of
from automations.admin.listing import COLUMNS, NAME, with_figures
from automations.admin.offers import offers, templates
from automations.admin.page import map_of, page_of
from automations.admin.permissions import may_draw_automations
from automations.admin.phrases import phrase_of_trigger, read_loosely
from automations.admin.starting import contact_of, search, start_for, walked
from automations.admin.switching import begins, looked_back, switch_on
from automations.admin.telling import check_may_save
from automations.control import copy_automation
from automations.models import Automation, Run
from automations.problems import problems_of
from automations.saving import save_automation
from automations.steps import InvalidAutomation, all_steps
from contacts.admin.permissions import may_see_contacts
from groups.admin import previewing

_WAITS_AGAIN = (
    "Nobody enters for now: so many contacts would that another user has to approve. Tell a "
    "colleague."
)
_FIELDS = ("name", "code_name", "description", "runs")


@admin.register(Automation)
class AutomationAdmin(StayingAdmin, CarefulAdmin, ExplainedDeletionAdmin):
    form = AutomationForm
    refusals = (InvalidAutomation, ValidationError)
    list_display = COLUMNS
    list_filter = ("enabled",)
    ordering = (Lower("name"),)
    sortable_by = (NAME,)
    search_fields = ("name", "code_name")
    search_help_text = "Name or code name"
    prepopulated_fields = {"code_name": ("name",)}
    fieldsets = ((None, {"fields": _FIELDS}),)
    # Unfold's warning adds listeners to each field with each change of the page; the editor has
    # one of its own.
    warn_unsaved_form = False
    instead_of_deleting = "Archive it: then nobody enters, and its history stays."
    list_help = (
        "An automation does something for each contact who enters it, such as sending an email and "
        "waiting for an answer."
    )
    empty_state = EmptyState(
        icon="account_tree",
        title="No automations yet",
        text=(
            "An automation says what happens next: when an event is recorded, send an email, wait "
            "two days, and look whether the contact came back. Add one, choose what lets contacts "
            "in, and add steps."
        ),
    )

    class Media:
        css = {"all": ("groups/builder.css", "automations/editor.css")}
        js = (
            "adminsite/editing.js",
            "groups/parts.js",
            "groups/builder.js",
            "automations/kinds.js",
            "automations/steps.js",
            "automations/editor.js",
        )

    def get_list_queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return with_figures(queryset)

    def get_urls(self):
        def url(route, view, name):
            view = self.admin_site.admin_view(view)
            return path(route, view, name=f"automations_automation_{name}")

        of_one = "<int:automation_id>"
        return [
            url("rule/", require_POST(self.rule_view), "rule"),
            url("suggest/", require_GET(self.suggest_view), "suggest"),
            url("templates/", require_GET(self.templates_view), "templates"),
            url("map/", require_POST(self.map_view), "map"),
            url(f"{of_one}/figures/", require_GET(self.figures_view), "figures"),
            url(f"{of_one}/do/<slug:action>/", require_POST(self.act_view), "act"),
            url(f"{of_one}/switch-on/", self.switch_on_view, "switch_on"),
            url(f"{of_one}/dry-run/", require_GET(self.dry_run_view), "dry_run"),
            url(f"{of_one}/copy/", require_POST(self.copy_view), "copy"),
            url(f"{of_one}/start/", self.start_view, "start"),
            url(f"{of_one}/versions/<int:number>/", self.version_view, "version"),
            *super().get_urls(),
        ]

    def rule_view(self, request: HttpRequest) -> JsonResponse:
        """What a rule of a step or trigger says and matches."""
        self._check_may_draw(request)
        return previewing.preview(request, of_run=request.GET.get("of") == "run")

    def suggest_view(self, request: HttpRequest) -> JsonResponse:
        """Values for a text of a condition or trigger."""
        self._check_may_draw(request)
        return previewing.suggest(request)

    def templates_view(self, request: HttpRequest) -> JsonResponse:
        """The templates that there are by now."""
        self._check_may_draw(request)
        return JsonResponse({"templates": templates()})

    def map_view(self, request: HttpRequest) -> HttpResponse:
        """The map of what the editor has, with the counts of the automation that it edits."""
        self._check_may_draw(request)
        edited = as_id(request.GET.get("of", ""))
        automation = Automation.objects.filter(pk=edited or 0).first() or Automation()
        try:
            given = json_of(request.POST.get("drawn", ""), "")
            context = map_of(automation, given["trigger"], given["steps"])
        except (InvalidAutomation, KeyError, TypeError):
            context = {"problem": "There is nothing to draw yet."}
        return TemplateResponse(request, "automations/map.html", context)

    def figures_view(self, request: HttpRequest, automation_id: int) -> JsonResponse:
        """How many contacts went which way, by the keys of steps."""
        automation = self._automation(request, automation_id)
        found = [step for step in all_steps(read_loosely(automation.steps)) if step.branches]
        return JsonResponse({"branches": on_branches(automation, found)})

    def act_view(self, request: HttpRequest, automation_id: int, action: str) -> HttpResponse:
        """Do what a button says."""
        automation = self._automation(request, automation_id, to_change=True)
        if action not in ACTIONS:
            raise Http404("There is no such action.")
        level, text = act(request, automation, action)
        self.message_user(request, text, level)
        return HttpResponseRedirect(change_url(automation))

    def switch_on_view(self, request: HttpRequest, automation_id: int) -> HttpResponse:
        """Show what the automation would have done, and switch it on."""
        automation = self._automation(request, automation_id, to_change=True)
        if request.method == "POST":
            version = as_id(request.POST.get("version", ""))
            level, text = switch_on(automation, user_of(request), version)
            self.message_user(request, text, level)
            return HttpResponseRedirect(change_url(automation))
        context = {
            **self._context(request, automation, f"Switch on {automation.name}"),
            "said": phrase_of_trigger(automation.trigger),
            "problems": problems_of(automation),
            "begins": begins(automation),
            "dry_run_url": reverse("admin:automations_automation_dry_run", args=[automation.pk]),
            "take_back_url": reverse(
                "admin:automations_automation_act", args=[automation.pk, "take-back"]
            ),
        }
        return TemplateResponse(request, "automations/switch_on.html", context)

    def dry_run_view(self, request: HttpRequest, automation_id: int) -> HttpResponse:
        """What the automation would have done in the last 30 days."""
        automation = self._automation(request, automation_id)
        return TemplateResponse(request, "automations/dry_run.html", looked_back(automation))

    def copy_view(self, request: HttpRequest, automation_id: int) -> HttpResponse:
        """Make a copy, and show it."""
        automation = self._automation(request, automation_id)
        if not self.has_add_permission(request):
            raise PermissionDenied
        try:
            copy = copy_automation(automation, user_of(request))
        except (InvalidAutomation, ValidationError) as error:
            said = error.messages if isinstance(error, ValidationError) else [str(error)]
            self.message_user(request, f"It cannot be copied: {' '.join(said)}", messages.ERROR)
            return HttpResponseRedirect(change_url(automation))
        text = "This is the copy. It is switched off; give it a name of its own."
        self.message_user(request, text, messages.SUCCESS)
        return HttpResponseRedirect(change_url(copy))

    def start_view(self, request: HttpRequest, automation_id: int) -> HttpResponse:
        """Find a contact, to test the automation with it or to let it in."""
        is_post = request.method == "POST"
        automation = self._automation(request, automation_id, to_change=is_post)
        if not may_see_contacts(request.user):
            raise PermissionDenied
        if is_post:
            (level, text), run = start_for(request, automation)
            self.message_user(request, text, level)
            back = reverse("admin:automations_automation_start", args=[automation.pk])
            return HttpResponseRedirect(change_url(Run(pk=run)) if run else back)
        context = {
            **self._context(request, automation, f"Start {automation.name}"),
            **search(request),
            **walked(automation, contact_of(request.GET.get("contact"))),
            "start_url": request.path,
        }
        return TemplateResponse(request, "automations/start.html", context)

    def version_view(self, request: HttpRequest, automation_id: int, number: int) -> HttpResponse:
        """Compare an older version with the current one, and move its contacts there."""
        is_post = request.method == "POST"
        automation = self._automation(request, automation_id, to_change=is_post)
        numbers = {
            one.number: one
            for one in automation.versions.filter(number__in=[number, automation.version])
        }
        if number not in numbers:
            raise Http404("There is no such version.")
        old, new = numbers[number], numbers[automation.version]
        if is_post:
            level, text = versions.move(old, new, as_id(request.POST.get("version", "")))
            self.message_user(request, text, level)
            return HttpResponseRedirect(request.path)
        context = {
            **self._context(request, automation, f"{automation.name}, version {number}"),
            **versions.comparison(old, new),
        }
        return TemplateResponse(request, "automations/version.html", context)

    def _context(self, request: HttpRequest, automation: Automation, title: str) -> dict[str, Any]:
        return {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            "automation": automation,
            "back_url": change_url(automation),
            "may_change": self.has_change_permission(request, automation),
            "input_class": " ".join(INPUT_CLASSES),
        }

    def _check_may_draw(self, request: HttpRequest) -> None:
        if not may_draw_automations(request.user):
            raise PermissionDenied

    def _automation(
        self, request: HttpRequest, automation_id: int, *, to_change: bool = False
    ) -> Automation:
        """The automation of an address.

        :raises PermissionDenied: if the user may not see it, or not change it if that is asked for
        """
        automation = self.get_object(request, str(automation_id))
        is_allowed = self.has_change_permission if to_change else self.has_view_permission
        if not is_allowed(request, automation):
            raise PermissionDenied
        if automation is None:
            raise Http404("There is no such automation.")
        return automation

    def get_fieldsets(self, request, obj=None):
        found = super().get_fieldsets(request, obj)
        if obj is None:
            return found
        # What is looked at most are the steps.
        return [("Name and settings", {**options, "classes": ["collapse"]}) for _, options in found]

    def get_form(self, request, obj=None, change=False, **kwargs):
        # The editor shows two fields that are in no fieldset.
        kwargs["fields"] = [*kwargs.get("fields", _FIELDS), "trigger", "steps"]
        return super().get_form(request, obj, change=change, **kwargs)

    def render_change_form(self, request, context, *args, obj=None, **kwargs):
        may_draw = (
            self.has_change_permission(request, obj) if obj else self.has_add_permission(request)
        )
        context["may_draw"] = may_draw
        if may_draw:
            context |= self._editor(request, context["adminform"].form, obj)
        if obj is not None:
            context |= page_of(request, obj)
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)

    def _editor(
        self, request: HttpRequest, form: AutomationForm, automation: Automation | None
    ) -> dict[str, Any]:
        of_one = [automation.pk] if automation else []
        map_url = reverse("admin:automations_automation_map")
        return {
            "drawn": drawn(request, form, automation),
            "map_url": f"{map_url}?of={automation.pk}" if automation else map_url,
            "figures_url": reverse("admin:automations_automation_figures", args=of_one)
            if automation
            else "",
            "offers": offers(request.user),
            "rule_url": reverse("admin:automations_automation_rule"),
            "suggest_url": reverse("admin:automations_automation_suggest"),
            "templates_url": reverse("admin:automations_automation_templates"),
            "input_class": " ".join(INPUT_CLASSES),
            "select_class": " ".join(SELECT_CLASSES),
        }

    def save_model(self, request, obj, form, change):
        check_may_save(request.user, obj, form.changed_data)
        save_automation(obj, by=user_of(request))
        if obj.approval_asked_by_id and not obj.enabled:
            self.message_user(request, _WAITS_AGAIN, messages.WARNING)
