"""Every address of the hub, asked for by each role: what is not theirs is 403, and never 500.

What an address takes stands here once; a superuser's answer says what it is for users who may.
"""

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, get_resolver

from adminsite.roles import give_roles
from config.roles import OPERATOR, ROLES, codenames
from exchange.models import Export
from jobs.models import BulkAction
from tests.admin.history import make_history

pytestmark = pytest.mark.django_db

# Pages that Django's admin makes for each model, and the actions of which one is needed.
MADE = {
    "changelist": ("view", "change"),
    "change": ("view", "change"),
    "history": ("view", "change"),
    "add": ("add",),
    "delete": ("delete",),
    # Of the toolkit, for each list.
    "views": ("view", "change"),
    "views_save": ("view", "change"),
    "views_change": ("view", "change"),
    "views_delete": ("view", "change"),
}
# The others of the admin: of these permissions of models each is needed; of those between bars one.
NEEDED = {
    "channels_channel_new_key": ["channels.channel:view", "channels.apikey:add"],
    "contacts_contact_merge": ["contacts.contact:change"],
    "contacts_contact_timeline": ["contacts.contact:view"],
    "contacts_contact_revert": ["contacts.contact:change"],
    "contacts_contactmerge_decide": ["contacts.contactmerge:change"],
    "consents_consent_preview": ["consents.consent:add|change"],
    "activities_activitytype_whitelist": ["activities.activitytype:change"],
    "groups_contactgroup_preview": ["groups.contactgroup:add|change"],
    "groups_contactgroup_suggest": ["groups.contactgroup:add|change"],
    "groups_contactgroup_head": ["groups.contactgroup:view"],
    "groups_contactgroup_build": ["groups.contactgroup:change"],
    "groups_contactgroup_cancel": ["groups.contactgroup:change"],
    "groups_contactgroup_members": ["groups.contactgroup:change", "contacts.contact:view"],
    "groups_contactgroup_upload": ["groups.contactgroup:change", "contacts.contact:view"],
    "groups_contactgroup_download": ["groups.contactgroup:view", "contacts.contact:view"],
    "groups_contactgroup_why": ["groups.contactgroup:view", "contacts.contact:view"],
    "destinations_delivery_again": ["destinations.delivery:change"],
    "destinations_destination_rule": ["destinations.destination:add|change"],
    "destinations_destination_suggest": ["destinations.destination:add|change"],
    "destinations_destination_example": ["destinations.destination:add|change"],
    "destinations_destination_act": ["destinations.destination:change"],
    "destinations_destination_test": ["destinations.destination:change"],
    "destinations_destination_rotate": ["destinations.destination:change"],
    "destinations_destination_again": ["destinations.delivery:change"],
    "automations_email_send": ["automations.email:change"],
    "automations_run_act": ["automations.automation:change", "automations.run:view"],
    "automations_broadcast_progress": ["automations.broadcast:view"],
    "automations_broadcast_act": ["automations.broadcast:change"],
    "automations_automation_rule": ["automations.automation:add|change"],
    "automations_automation_suggest": ["automations.automation:add|change"],
    "automations_automation_templates": ["automations.automation:add|change"],
    "automations_automation_map": ["automations.automation:add|change"],
    "automations_automation_figures": ["automations.automation:view"],
    "automations_automation_act": ["automations.automation:change"],
    "automations_automation_switch_on": ["automations.automation:change"],
    "automations_automation_dry_run": ["automations.automation:view"],
    "automations_automation_copy": ["automations.automation:add"],
    "automations_automation_start": ["automations.automation:change"],
    "automations_automation_version": ["automations.automation:view"],
    "automations_template_preview": ["automations.template:add|change"],
    "automations_template_test": ["automations.template:add|change"],
    "automations_template_contacts": ["automations.template:add|change"],
    "crosssite_trackedsite_doctor": ["crosssite.trackedsite:view"],
    "tracking_settings:index": ["channels.channel:view"],
    "tracking_settings:switch": ["channels.channel:change"],
    "tracking_settings:replace": ["channels.channel:change"],
    "tracking_settings:identifiers": ["channels.channel:change"],
    "activities_activitytype_developers": ["activities.activitytype:view"],
    "activities_activitytype_test": [
        *("activities.activitytype:view", "channels.apikey:add", "channels.channel:view"),
    ],
    "activities_rejectedactivity_causes": ["activities.rejectedactivity:view"],
    "activities_rejectedactivity_cause": ["activities.rejectedactivity:view"],
    "activities_rejectedactivity_check": ["activities.rejectedactivity:view"],
    "activities_rejectedactivity_act": ["activities.rejectedactivity:view"],
    "activities_rejectedactivity_live": ["activities.rejectedactivity:view"],
    "activities_rejectedactivity_live_rows": ["activities.rejectedactivity:view"],
    "activities_rejectedactivity_senders": ["activities.rejectedactivity:view"],
    "activities_replay_progress": ["activities.replay:view"],
    "activities_replay_stop": ["activities.rejectedactivity:replay"],
    "channels_apikey_new_key": ["channels.apikey:view", "channels.apikey:add"],
    "channels_apikey_rotate": ["channels.apikey:change", "channels.apikey:add"],
    "consents_consent_changes": ["consents.consent:change"],
    "contacts_contact_note": ["contacts.contact:change"],
    "contacts_contact_forget_note": ["contacts.contact:change"],
    "contacts_contact_tag": ["contacts.contact:change"],
    "contacts_contact_untag": ["contacts.contact:change"],
    "contacts_contact_tags": ["contacts.contact:view|change"],
    "contacts_contactmerge_decisions": ["contacts.contactmerge:view"],
    "contacts_contactmerge_duplicates": ["contacts.contactmerge:change"],
    "contacts_contactmerge_progress": ["contacts.contactmerge:view"],
    "contacts_contactmerge_undo": ["contacts.contactmerge:change"],
    "crosssite_trackedsite_test": ["crosssite.trackedsite:view"],
    "exchange_export_start": ["exchange.export:add", "contacts.contact:view"],
    "exchange_export_progress": ["exchange.export:view"],
    "exchange_export_cancel": ["exchange.export:view"],
    "exchange_export_download": ["exchange.export:view"],
    "exchange_export_remove": ["exchange.export:view"],
    "jobs_bulkaction_start": ["contacts.contact:view", "contacts.contact:change"],
    "jobs_bulkaction_progress": ["jobs.bulkaction:view"],
    "jobs_bulkaction_cancel": ["jobs.bulkaction:view"],
    "jobs_chore_try_again": ["jobs.chore:change"],
    "readers_readerstate_try_again": ["readers.readerstate:change"],
    "auth_user_password_change": ["auth.user:change"],
    "privacy_personrequest_people": ["privacy.personrequest:add", "contacts.contact:view"],
    "privacy_personrequest_register": ["privacy.personrequest:view", "contacts.contact:view"],
    "privacy_personrequest_progress": ["privacy.personrequest:view", "contacts.contact:view"],
    "privacy_personrequest_act": ["privacy.personrequest:change", "contacts.contact:view"],
    "privacy_personrequest_erase": ["privacy.personrequest:change", "contacts.contact:view"],
    "privacy_certificate_verify": ["privacy.certificate:view"],
    "privacy_certificate_print": ["privacy.certificate:view"],
    "privacy_certificate_download": ["privacy.certificate:view"],
    "privacy_accessfile_make": ["privacy.accessfile:add", "contacts.contact:view"],
    "privacy_accessfile_progress": ["privacy.accessfile:view", "contacts.contact:view"],
    "privacy_accessfile_download": ["privacy.accessfile:view", "contacts.contact:view"],
    "privacy_accessfile_act": ["privacy.accessfile:add", "contacts.contact:view"],
    "privacy_keptagreement_contact": ["privacy.keptagreement:view", "contacts.contact:view"],
    "privacy_keptagreement_erased": ["privacy.keptagreement:view", "contacts.contact:view"],
    "privacy_dictionaryentry_download": ["privacy.dictionaryentry:view"],
    "privacy_dictionaryentry_look": ["privacy.dictionaryentry:view"],
    "privacy_record:document": ["privacy.privacyprofile:view"],
    "privacy_record:index": ["privacy.privacyprofile:view"],
    "privacy_record:profile": ["privacy.privacyprofile:change"],
    "privacy_retentionrule_act": ["privacy.retentionrule:change"],
    "privacy_retentionrule_head": ["privacy.retentionrule:view"],
    "privacy_retentionrule_propose": ["privacy.retentionrule:add"],
    "exchange_import_upload": ["exchange.import:add", "contacts.contact:change"],
    "exchange_import_mapping": ["exchange.import:change", "contacts.contact:change"],
    "exchange_import_read": ["exchange.import:change", "contacts.contact:change"],
    "exchange_import_progress": ["exchange.import:view", "contacts.contact:view"],
    "exchange_import_start": ["exchange.import:change", "contacts.contact:change"],
    "exchange_import_cancel": ["exchange.import:change", "contacts.contact:change"],
    "exchange_import_undo": ["exchange.import:change", "contacts.contact:change"],
    "exchange_import_preview": ["exchange.import:change", "contacts.contact:change"],
    "exchange_import_rejects": ["exchange.import:view", "contacts.contact:view"],
    "exchange_import_kept": ["exchange.import:view", "contacts.contact:view"],
}
# Where models say more than their permissions: suppressed addresses are emails of contacts, their
# keys are made on the page of a channel.
MORE = {
    "exchange.import": ["contacts.contact:view"],
    "automations.suppression": ["contacts.contact:view"],
    "automations.outboxmessage": ["contacts.contact:view"],
    "privacy.personrequest": ["contacts.contact:view"],
    "privacy.accessfile": ["contacts.contact:view"],
    "privacy.keptagreement": ["contacts.contact:view"],
}
# Pages of the admin for everybody who is logged in; each shows what its user may see.
FOR_ALL = {
    "None",  # addresses of before, which lead to the page of a row
    *("index", "search", "autocomplete", "jsi18n", "view_on_site", "login", "logout"),
    *("password_change", "password_change_done", "usersessions_usersession_changelist"),
    *("usersessions_usersession_end", "adminsite:search", "help", "help-page"),
}
LOGINS = ("account_", "mfa_", "openid_connect_", "socialaccount_")


def patterns(resolver=None, prefix="", namespaces=()):
    """Every address under /admin/: its name, with a namespace of ours, and the pattern."""
    for one in (resolver or get_resolver()).url_patterns:
        path = prefix + str(one.pattern)
        if isinstance(one, URLPattern):
            name = str(one.name)
            spaces = [space for space in namespaces if space and space != "admin"]
            yield ":".join([*spaces, name]), path, one
        else:
            yield from patterns(one, path, (*namespaces, one.namespace))


ADMIN = [
    (name, path, one)
    for name, path, one in patterns()
    if path.startswith("admin/") and not name.startswith(LOGINS)
]


def model_of(name, path):
    """The model whose pages an address of the admin belongs to, and what is left of the name."""
    for model in admin.site._registry:
        label = f"{model._meta.app_label}_{model._meta.model_name}"
        if name.startswith(f"{label}_"):
            return model, name.removeprefix(f"{label}_")
    return None, name


def needed(name, path):
    """What a user needs for an address; None if it is for everybody who is logged in."""
    model, page = model_of(name, path)
    if name in FOR_ALL:
        return None
    if name in NEEDED:
        return NEEDED[name]
    label = model._meta.label_lower
    if label == "usersessions.usersession" and page != "change":
        return None  # of their own sessions
    return [f"{label}:{'|'.join(MADE[page])}", *MORE.get(label, [])]


def may(role, need):
    if role == OPERATOR:
        return True
    model, _, actions = need.partition(":")
    has = codenames(role, model)
    name = model.partition(".")[2]
    return any(f"{action}_{name}" in has for action in actions.split("|"))


def address(name, path, rows):
    """The address of a pattern, with rows that are there."""
    model, _ = model_of(name, path)
    values = {
        "object_id": rows.get(model),
        "id": rows.get(model),
        "contact_id": rows["contact"],
        "survivor_id": rows["contact"],
        "loser_id": rows["loser"],
        "channel_id": rows["channel"],
        "slug": "tracking",
        "action": "pause",
        "number": 1,
        "content_type_id": 1,
        "url": "nowhere",
        "app_label": "auth",
        "action_id": rows.get(model),
        "view_id": 1,
        "label": "contacts.contact",
        "kind": "tag",
        "path": "groups.md",
    }
    for part in ("path", "int", "slug", "str"):
        for parameter in (
            "group",
            "automation",
            "destination",
            "broadcast",
            "run",
            "site",
            "merge",
            "replay",
            "request",
            "file",
            "rule",
            "import",
            "export",
        ):
            path = path.replace(f"<{part}:{parameter}_id>", str(rows.get(model)))
        path = path.replace(f"<{part}:session_id>", "1")
        for parameter, value in values.items():
            path = path.replace(f"<{part}:{parameter}>", str(value))
    return "/" + path.replace("<id>", str(rows.get(model)))


@pytest.fixture
def rows():
    contact = make_history()
    found = {
        model: model._default_manager.order_by("-pk").values_list("pk", flat=True).first()
        for model in admin.site._registry
    }
    names = {model._meta.label_lower: pk for model, pk in found.items()}
    return {
        **found,
        "contact": contact.pk,
        "loser": contact.changes.model._meta.get_field("contact")
        .related_model.objects.exclude(pk=contact.pk)
        .values_list("pk", flat=True)[0],
        "channel": names["channels.channel"],
    }


def ask(client, method, url):
    """The status of the answer; nothing of what it did stays."""
    with transaction.atomic():
        status = getattr(client, method)(url).status_code
        transaction.set_rollback(True)
    return status


def logged_in(**fields):
    client = Client(raise_request_exception=False)
    user = User.objects.create(username="somebody", is_staff=True, **fields)
    client.force_login(user)
    return client, user


def test_every_address_of_the_admin_is_known_here():
    names = {name for name, path, _ in ADMIN if name != "app_list"}
    pages = {
        f"{model._meta.app_label}_{model._meta.model_name}_{page}"
        for model in admin.site._registry
        for page in MADE
    }

    assert names - FOR_ALL - pages == NEEDED.keys()


def targets(rows):
    """Each address with what it needs."""
    for name, path, _ in ADMIN:
        if name not in ("logout", "app_list") and "(?P" not in path:
            yield needed(name, path), address(name, path, rows)


@pytest.mark.parametrize("role", [role.code for role in ROLES if role.code != OPERATOR])
def test_a_role_gets_what_is_theirs_and_403_for_the_rest(role, rows):
    client, user = logged_in()
    # Those of others are not there for them.
    BulkAction.objects.update(by=user)
    Export.objects.update(by=user)
    theirs, others = [], []
    for need, url in targets(rows):
        is_theirs = need is None or all(may(role, one) for one in need)
        (theirs if is_theirs else others).append(url)
    give_roles(user, [role])

    refused = {
        (method, url): status
        for url in others
        for method in ("get", "post")
        # An address that takes one method only says so whoever asks by the other.
        if (status := ask(client, method, url)) not in (403, 405)
    }
    answers = {url: ask(client, "get", url) for url in theirs}
    give_roles(user, [OPERATOR])
    # What is 403, 404 or 405 for operators is so by its nature, such as deleting what is history.
    other = {
        url: status
        for url, status in answers.items()
        if status != 200 and status != ask(client, "get", url)
    }

    assert refused == {}
    assert other == {}
    assert max(answers.values()) < 500


@pytest.mark.parametrize("method", ["get", "post"])
def test_nothing_that_operators_ask_for_is_an_error_of_the_hub(method, rows):
    client, user = logged_in()
    give_roles(user, [OPERATOR])
    made = {address(name, path, rows) for name, path, _ in ADMIN if name in NEEDED}

    answers = {
        url: ask(client, method, url)
        for _, url in targets(rows)
        # Forms that are sent empty are shown again, page after page.
        if method == "get" or url in made
    }

    assert {url: status for url, status in answers.items() if status >= 500} == {}
    assert sum(status == 200 for status in answers.values()) > (60 if method == "get" else 5)


@pytest.mark.parametrize("path", ["/api/docs/", "/api/schema/", "/health/live"])
@pytest.mark.parametrize("role", [role.code for role in ROLES])
def test_what_is_open_to_everybody_is_open_to_each_role(role, path):
    client, user = logged_in()
    give_roles(user, [role])

    assert client.get(path).status_code == 200
