"""What each role may see and do: one table of all models of the hub.

A model that is new stands in `RIGHTS` or in `NOBODYS`; a test fails until it does. The permissions
themselves are made after migrations, and so the roles get theirs then.
"""

from typing import Any

from django.apps import AppConfig, apps
from django.contrib.auth.models import Group, Permission
from django.db import DEFAULT_DB_ALIAS, transaction

from adminsite.audit import unaudited
from adminsite.roles import Role, register_role

MARKETER, DEVELOPER, DPO, OPERATOR = "marketer", "developer", "dpo", "operator"

ROLES = (
    Role(
        MARKETER,
        "Marketer",
        "Works with people: contacts and their merges, the activity log and its types, consents, "
        "contact groups, automations, emails and templates, imports.",
    ),
    Role(
        DEVELOPER,
        "Developer",
        "Connects systems: channels, API keys, tracked sites, activity types, the activity log, "
        "the inspector and destinations. Sees no personal data of contacts.",
    ),
    Role(
        DPO,
        "Data-protection officer",
        "Answers for data of persons: their requests, contacts, the activity log, consents and "
        "agreements, how long things are kept, the record of processing, and the audit log.",
    ),
    Role(
        OPERATOR,
        "Operator",
        "Runs the hub: everything, users, work and readers included.",
    ),
)

_ALL = "view add change delete"
# For each model what a role may do with it: actions, or names of permissions of its own. Operators
# may do everything.
RIGHTS: dict[str, dict[str, str]] = {
    "contacts.contact": {MARKETER: "view add change", DPO: "view add change"},
    "contacts.contactmerge": {MARKETER: "view add change"},
    "contacts.tag": {MARKETER: _ALL, DPO: "view"},
    "consents.consent": {MARKETER: _ALL, DPO: _ALL},
    "consents.consenttext": {MARKETER: _ALL, DPO: _ALL},
    "consents.consentagreement": {MARKETER: "view", DPO: "view"},
    "activities.activity": {MARKETER: "view", DEVELOPER: "view", DPO: "view"},
    "activities.activitytype": {MARKETER: _ALL, DEVELOPER: _ALL},
    "activities.propertyrule": {MARKETER: _ALL, DEVELOPER: _ALL},
    "activities.rejectedactivity": {DEVELOPER: "view replay_rejectedactivity"},
    "activities.mappedname": {DEVELOPER: _ALL},
    "activities.correction": {DEVELOPER: _ALL},
    "activities.replay": {DEVELOPER: "view"},
    "groups.contactgroup": {MARKETER: _ALL},
    "automations.automation": {MARKETER: _ALL},
    "automations.run": {MARKETER: "view"},
    "automations.broadcast": {MARKETER: "view add change"},
    "automations.template": {MARKETER: _ALL},
    "automations.email": {MARKETER: "view change"},
    "automations.outboxmessage": {MARKETER: "view"},
    "automations.suppression": {MARKETER: _ALL},
    "channels.channel": {DEVELOPER: _ALL},
    "channels.apikey": {DEVELOPER: _ALL},
    "crosssite.trackedsite": {DEVELOPER: _ALL},
    "tracking.userproperty": {DEVELOPER: _ALL},
    "tracking.consentcategory": {DEVELOPER: _ALL},
    "destinations.destination": {DEVELOPER: _ALL},
    "destinations.delivery": {DEVELOPER: "view change"},
    "privacy.accessfile": {DPO: "view add"},
    "privacy.keptagreement": {DPO: "view"},
    "privacy.retentionrule": {DPO: _ALL},
    "privacy.retentionrun": {DPO: "view"},
    "privacy.privacyprofile": {DPO: "view change"},
    "privacy.dictionaryentry": {MARKETER: "view", DEVELOPER: "view", DPO: "view"},
    "exchange.import": {MARKETER: "view add change"},
    "jobs.bulkaction": {MARKETER: "view", DPO: "view"},
    "privacy.personrequest": {DPO: "view add change"},
    "privacy.certificate": {DPO: "view"},
    "jobs.chore": {},
    "exchange.export": {
        MARKETER: "view add",
        DEVELOPER: "view add",
        DPO: "view add see_all_exports",
    },
    "readers.readerstate": {},
    "auth.user": {},
    "auth.group": {},
    "usersessions.usersession": {},
    "adminsite.auditentry": {DPO: "view"},
}

# Models of which no role but the operator has a permission. They have no pages of their own; who
# may see them on other pages follows from another model.
NOBODYS = frozenset(
    {
        *("activities.activityclaim", "activities.activitycount", "activities.activitytypeuse"),
        *("activities.contactseen", "activities.datainput", "activities.eventcount"),
        *("activities.recordedcount", "activities.sendercount", "adminsite.savedview"),
        *("adminsite.userzone", "automations.emailevent", "automations.pace"),
        *("automations.passage", "automations.refusal", "automations.statechange"),
        *("automations.version", "config.heartbeat"),
        *("consents.currentanswer", "contacts.contactchange", "contacts.contactidentifier"),
        *("contacts.contactnote", "contacts.contacttag", "contacts.duplicatesearch"),
        *("contacts.erasedname", "contacts.erasure", "contacts.movedrows", "contacts.touched"),
        *("contacts.undonemerge", "crosssite.browserhits", "crosssite.sitecontact"),
        *("crosssite.usedhandover", "destinations.queue", "exchange.keptbyundo"),
        *("exchange.rememberedmapping", "figures.count", "figures.knownpeople"),
        *("figures.peopleseen", "groups.groupbuild", "groups.knowncondition", "groups.membership"),
        *("groups.membershipdue", "groups.membershipevent", "privacy.erasureline"),
        *("privacy.lastactivity", "privacy.requestevent", "readers.epoch", "readers.position"),
        *("tracking.contactcreation", "web.limitcount"),
    }
)

_ACTIONS = frozenset(_ALL.split())

for role in ROLES:
    register_role(role)


def codenames(role: str, model: str) -> set[str]:
    """The permissions that the table names for `role` and `model`, such as `view_contact`."""
    name = model.partition(".")[2]
    words = RIGHTS[model].get(role, "").split()
    return {f"{word}_{name}" if word in _ACTIONS else word for word in words}


def keep_roles(
    app_config: AppConfig, using: str = DEFAULT_DB_ALIAS, apps: Any = apps, **kwargs: Any
) -> None:
    """Let each role have of the permissions for this app what the table says, and no others.

    Called after migrations for each app, when its permissions have been made. Groups of other
    names are left alone.
    """
    label = app_config.label
    if label not in _APPS or not _has_groups(apps):
        return
    permissions = Permission.objects.using(using).filter(content_type__app_label=label)
    known = list(permissions.values_list("pk", "codename"))
    by_model = {model: by_role for model, by_role in RIGHTS.items() if _app_of(model) == label}
    groups = _groups(using)
    rows = Group.permissions.through.objects.using(using)
    given = set(
        rows.filter(group__in=groups.values(), permission__in=permissions).values_list(
            "group", "permission"
        )
    )
    wanted = {
        (groups[role.code].pk, pk)
        for role in ROLES
        for allowed in [{name for model in by_model for name in codenames(role.code, model)}]
        for pk, codename in known
        if role.code == OPERATOR or codename in allowed
    }
    with transaction.atomic(using=using), unaudited(using):
        for group, permission in given - wanted:
            rows.filter(group=group, permission=permission).delete()
        new = [rows.model(group_id=group, permission_id=pk) for group, pk in wanted - given]
        rows.bulk_create(new, ignore_conflicts=True)


def _groups(using: str) -> dict[str, Group]:
    """The permission group of each role, made now if it is not there."""
    groups = Group.objects.using(using)
    by_name = {group.name: group for group in groups.filter(name__in=[r.name for r in ROLES])}
    return {role.code: by_name.get(role.name) or groups.create(name=role.name) for role in ROLES}


def _has_groups(apps: Any) -> bool:
    # A hub may be migrated to a state of before there were users.
    try:
        apps.get_model("auth", "Group")
    except LookupError:
        return False
    return True


def _app_of(model: str) -> str:
    return model.partition(".")[0]


_APPS = frozenset(_app_of(model) for model in (*RIGHTS, *NOBODYS))
