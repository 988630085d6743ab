"""What users do in the admin, for the audit log: who asks, and deeds that change no audited row.

An address of the admin that is new, beside those that Django makes for each model, stands in
`DEEDS` or in `NO_DEEDS`; a test fails until it does.
"""

from collections.abc import Callable

from django.apps import apps
from django.contrib import admin
from django.contrib.admin.utils import model_format_dict
from django.contrib.messages import ERROR, WARNING
from django.db.models import Model
from django.http import HttpRequest, HttpResponse

from adminsite.audit import acting, note
from adminsite.dashboard import counted
from web.addresses import client_address

_CHANGES_NOTHING = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_CHANGELIST = "_changelist"

# By the name of the address; `{action}` is what it says after the object.
DEEDS = {
    "groups_contactgroup_build": "Asked for a build.",
    "groups_contactgroup_cancel": "Cancelled a build.",
    "groups_contactgroup_members": "Added or removed a contact.",
    "destinations_delivery_again": "Sent a message again.",
    "destinations_destination_test": "Sent a test.",
    "destinations_destination_again": "Sent again what was sent since a time.",
    "automations_email_send": "Sent an email after all.",
    "automations_run_act": "Said of a run: {action}.",
    "automations_broadcast_act": "Said of a broadcast: {action}.",
    "automations_automation_act": "Said of an automation: {action}.",
    "automations_automation_start": "Started it for a contact.",
    "automations_template_test": "Sent a test of an email.",
    "activities_activitytype_test": "Sent a test.",
    "activities_replay_stop": "Stopped a replay.",
    "contacts_contact_note": "Wrote a note.",
    "contacts_contact_forget_note": "Deleted a note.",
    "contacts_contact_tag": "Gave a tag.",
    "contacts_contact_untag": "Took a tag.",
    "contacts_contactmerge_duplicates": "Asked for a search for duplicates.",
    "jobs_bulkaction_start": "Asked for a bulk action.",
    "jobs_bulkaction_cancel": "Cancelled a bulk action.",
    "exchange_export_start": "Asked for an export.",
    "exchange_export_cancel": "Cancelled an export.",
    "exchange_export_remove": "Deleted the file of an export.",
    "jobs_chore_try_again": "Had work tried again.",
    "privacy_certificate_verify": "Verified all certificates.",
    "readers_readerstate_try_again": "Had a reader try again.",
    "privacy_personrequest_act": "Did something about a request: {action}.",
    "privacy_personrequest_erase": "Asked for an erasure, or approved of it.",
    "privacy_retentionrule_act": "Said of a retention rule: {action}.",
    "privacy_dictionaryentry_look": "Had activity types looked at.",
    "exchange_import_upload": "Uploaded a file for an import.",
    "exchange_import_mapping": "Had an import checked.",
    "exchange_import_start": "Started an import.",
    "exchange_import_cancel": "Cancelled an import.",
    "exchange_import_undo": "Had an import undone.",
    "mfa_generate_recovery_codes": "Made new recovery codes.",
}
# What changes nothing, or what is in the log as the change of a row, or as a note of its own.
NO_DEEDS = frozenset(
    {
        *("activities_activitytype_developers", "activities_activitytype_whitelist"),
        *("activities_rejectedactivity_act", "activities_rejectedactivity_cause"),
        "activities_rejectedactivity_causes",
        *("activities_rejectedactivity_check", "activities_rejectedactivity_live"),
        *("activities_rejectedactivity_live_rows", "activities_rejectedactivity_senders"),
        *("activities_replay_progress", "auth_user_password_change", "automations_automation_copy"),
        *("automations_automation_dry_run", "automations_automation_figures"),
        *("automations_automation_map", "automations_automation_rule"),
        *("automations_automation_suggest", "automations_automation_switch_on"),
        *("automations_automation_templates", "automations_automation_version"),
        *("automations_broadcast_progress", "automations_template_contacts"),
        *("automations_template_preview", "channels_apikey_new_key", "channels_apikey_rotate"),
        *("channels_channel_new_key", "consents_consent_changes", "consents_consent_preview"),
        *("contacts_contact_merge", "contacts_contact_revert", "contacts_contact_tags"),
        *("contacts_contact_timeline", "contacts_contactmerge_decide"),
        *("contacts_contactmerge_decisions", "contacts_contactmerge_progress"),
        *("contacts_contactmerge_undo", "crosssite_trackedsite_doctor"),
        *("crosssite_trackedsite_test", "destinations_destination_act"),
        *("destinations_destination_example", "destinations_destination_rotate"),
        *("destinations_destination_rule", "destinations_destination_suggest"),
        *("exchange_export_download", "exchange_export_progress", "exchange_import_kept"),
        *("exchange_import_preview", "exchange_import_progress", "exchange_import_read"),
        "exchange_import_rejects",
        *("groups_contactgroup_download", "groups_contactgroup_head"),
        *("groups_contactgroup_preview", "groups_contactgroup_suggest"),
        *("groups_contactgroup_upload", "groups_contactgroup_why", "jobs_bulkaction_progress"),
        *("privacy_accessfile_act", "privacy_accessfile_download", "privacy_accessfile_make"),
        *("privacy_accessfile_progress", "privacy_certificate_download"),
        *("privacy_certificate_print", "privacy_dictionaryentry_download"),
        *("privacy_keptagreement_contact", "privacy_keptagreement_erased"),
        *("privacy_personrequest_people", "privacy_personrequest_progress"),
        *("privacy_personrequest_register", "privacy_record:document", "privacy_record:index"),
        *("privacy_record:profile", "privacy_retentionrule_head", "privacy_retentionrule_propose"),
        *("tracking_settings:identifiers", "tracking_settings:index", "tracking_settings:replace"),
        "tracking_settings:switch",
    }
)


class AuditMiddleware:
    """Lets the audit log know who sent a form of the admin, from where, and what was done."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method in _CHANGES_NOTHING or not request.path_info.startswith("/admin/"):
            return self.get_response(request)
        with acting(request.user, address=address_of(request)):
            response = self.get_response(request)
            if response.status_code < 400 and request.user.is_authenticated:
                _note_deed(request, response)
        return response


def address_of(request: HttpRequest) -> str:
    """The address that a request came from, whole."""
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "")
    return client_address(forwarded, request.META.get("REMOTE_ADDR", ""))


def _note_deed(request: HttpRequest, response: HttpResponse) -> None:
    match = request.resolver_match
    if match is None or _came_to_nothing(request, ERROR):
        return
    name = match.url_name or ""
    model = _model_of(name)
    if model is not None and name.endswith(_CHANGELIST):
        _note_action(request, response, model)
    elif deed := DEEDS.get(name):
        keys = [value for key, value in match.kwargs.items() if key.endswith("_id")]
        said = deed.format(action=match.kwargs.get("action", ""))
        note(said, model=model or apps.get_model("auth.User"), object_id=keys[0] if keys else "")


def _note_action(request: HttpRequest, response: HttpResponse, model: type[Model]) -> None:
    """Note what an action did to rows of a list: one that leads to another page has only asked."""
    leads_back = response.get("Location", "").partition("?")[0] == request.path
    if not leads_back or _came_to_nothing(request, WARNING):
        return
    options = admin.site.get_model_admin(model)
    chosen = options.get_actions(request).get(request.POST.get("action", ""))
    if chosen is not None:
        rows = counted(len(request.POST.getlist("_selected_action")), "row", "rows")
        if request.POST.get("select_across") == "1":
            rows = "all rows"
        note(f"Chose “{chosen[2] % model_format_dict(options.opts)}” for {rows}.", model=model)


def _came_to_nothing(request: HttpRequest, level: int) -> bool:
    """Whether all that the page is going to say is that bad or worse."""
    queued = getattr(getattr(request, "_messages", None), "_queued_messages", ())
    return bool(queued) and all(message.level >= level for message in queued)


def _model_of(name: str) -> type[Model] | None:
    app, _, rest = name.partition("_")
    try:
        return apps.get_model(app, rest.partition("_")[0])
    except LookupError:
        return None
