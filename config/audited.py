"""Which tables the audit log keeps the changes of: one table of all models of the hub.

A model that is new stands in `AUDITED` or in `UNAUDITED`; a test fails until it does. Triggers do
the rest. They are made after migrations, for a column that one of them names could not be changed
by a migration any more.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import AppConfig, apps
from django.db import DEFAULT_DB_ALIAS, connections, models

from destinations.sealing import SealedField

_PREFIX = "audited_"


@dataclass(frozen=True)
class Audited:
    """What is kept of the changes of a model: its editable columns, unless `columns` names them.

    `name` is the column with what a row is called. Rows that are known by what they belong to have
    the name of that before their own: `of` is the key to it. Of `hidden` columns, and of sealed
    ones, only that they changed is kept. Of tables that the hub itself fills, only what
    `users_only` do.
    """

    name: str = "name"
    columns: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    users_only: bool = False
    of: str = ""


AUDITED: dict[str, Audited] = {
    "auth.user": Audited("username", hidden=("password",), without=("last_login", "date_joined")),
    "auth.group": Audited(),
    "mfa.authenticator": Audited("", columns=("user_id", "type"), of="user"),
    "adminsite.userzone": Audited("zone", columns=("zone",), of="user"),
    "channels.channel": Audited(hidden=("event_key", "source_key")),
    "channels.apikey": Audited(also=("secret_hash",), hidden=("secret_hash",)),
    "crosssite.trackedsite": Audited(),
    "tracking.userproperty": Audited(),
    "tracking.consentcategory": Audited("category", of="channel"),
    "consents.consent": Audited(),
    "consents.consenttext": Audited("language", also=("version", "superseded_at"), of="consent"),
    "activities.activitytype": Audited(),
    "activities.propertyrule": Audited(of="activity_type"),
    "activities.mappedname": Audited("sent"),
    "activities.correction": Audited("field"),
    "adminsite.savedview": Audited(),
    "contacts.tag": Audited(),
    "groups.contactgroup": Audited(),
    "destinations.destination": Audited(also=("paused_at", "paused_by", "deleted_at")),
    "automations.automation": Audited(also=("paused_at", "archived_at", "approved_by_id")),
    "automations.template": Audited(),
    "automations.broadcast": Audited(
        "",
        columns=(
            *("automation_id", "rule", "audience", "status", "starts_at", "per_minute"),
            "approved_by_id",
        ),
        of="automation",
    ),
    # Emails of contacts are not copied.
    "automations.suppression": Audited(
        "", columns=("email_key", "reason"), hidden=("email_key",), users_only=True
    ),
    "contacts.contactmerge": Audited("", columns=("status",), users_only=True),
    # Whose it is, and what users wrote about the person, is erased with them.
    "privacy.personrequest": Audited(
        "kind",
        columns=(
            *("kind", "way", "received_on", "extended_months", "extension_ground", "told_on"),
            *("identity", "identity_proof", "erasure_ground", "erasure_asked_by_id"),
            *("erasure_approved_by_id", "status", "refusal_ground"),
        ),
    ),
    "privacy.retentionrule": Audited(""),
    "privacy.privacyprofile": Audited(""),
    "exchange.import": Audited("name", columns=("status", "mapping"), users_only=True),
}

# What is recorded, and what follows from it; what a user does to it is a note in the log. Changes
# of contacts are kept with the contact, and erased with it.
UNAUDITED = frozenset(
    {
        *("activities.activity", "activities.activityclaim", "activities.activitycount"),
        *("activities.activitytypeuse", "activities.contactseen", "activities.datainput"),
        *("activities.eventcount", "activities.recordedcount", "activities.rejectedactivity"),
        *("activities.replay", "activities.sendercount", "adminsite.auditentry"),
        *("automations.email", "automations.emailevent", "automations.outboxmessage"),
        *("automations.pace", "automations.passage", "automations.refusal", "automations.run"),
        *("automations.statechange", "automations.version", "config.heartbeat"),
        *("consents.consentagreement", "consents.currentanswer"),
        *("contacts.contact", "contacts.contactchange"),
        *("contacts.contactidentifier", "contacts.contactnote", "contacts.contacttag"),
        *("contacts.duplicatesearch", "contacts.erasedname", "contacts.erasure"),
        *("contacts.movedrows", "contacts.touched", "contacts.undonemerge"),
        *("crosssite.browserhits", "crosssite.sitecontact", "crosssite.usedhandover"),
        *("destinations.delivery", "destinations.queue", "exchange.export", "exchange.keptbyundo"),
        *("exchange.rememberedmapping", "figures.count", "figures.knownpeople"),
        *("figures.peopleseen", "groups.groupbuild", "groups.knowncondition", "groups.membership"),
        *("groups.membershipdue", "groups.membershipevent", "jobs.bulkaction", "jobs.chore"),
        *("privacy.accessfile", "privacy.certificate", "privacy.dictionaryentry"),
        *("privacy.erasureline", "privacy.keptagreement", "privacy.lastactivity"),
        *("privacy.requestevent", "privacy.retentionrun", "readers.epoch", "readers.position"),
        *("readers.readerstate", "tracking.contactcreation", "web.limitcount"),
    }
)

# Many-to-many relations, by the app, with their tables: model and its key, its table and name; what
# the relation is called; the other key, its table and name.
_LINKS = {
    "auth": {
        "auth_user_groups": (
            *("auth.user", "user_id", "auth_user", "username"),
            *("groups", "group_id", "auth_group", "name"),
        ),
        "auth_user_user_permissions": (
            *("auth.user", "user_id", "auth_user", "username"),
            *("user_permissions", "permission_id", "auth_permission", "codename"),
        ),
        "auth_group_permissions": (
            *("auth.group", "group_id", "auth_group", "name"),
            *("permissions", "permission_id", "auth_permission", "codename"),
        ),
    }
}


def keep_triggers(
    app_config: AppConfig, using: str = DEFAULT_DB_ALIAS, apps: Any = apps, **kwargs: Any
) -> None:
    """Make the triggers of the audited models of an app, as the table has them, after migrations.

    Those that are as they should be stay; the name of a trigger has a hash of what it does.
    """
    wanted = dict(_triggers(app_config.label, apps))
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT to_regproc('adminsite_audit_row')")
        if not wanted or cursor.fetchone()[0] is None:
            return
        cursor.execute(
            "SELECT tgname, relname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid"
            " WHERE NOT tgisinternal AND starts_with(tgname::text, %s)"
            " AND starts_with(relname::text, %s) AND pg_table_is_visible(tgrelid)",
            [_PREFIX, f"{app_config.label}_"],
        )
        there = {(name, table) for name, table in cursor.fetchall()}
        for name, table in there - wanted.keys():
            cursor.execute(f'DROP TRIGGER "{name}" ON "{table}"')
        for key in wanted.keys() - there:
            cursor.execute(wanted[key])


def _triggers(label: str, apps: Any) -> Iterator[tuple[tuple[str, str], str]]:
    """For each trigger of an app its name and table, and the statement that makes it."""
    for model_label, audited in AUDITED.items():
        if model_label.partition(".")[0] == label:
            try:
                model = apps.get_model(model_label)
            except LookupError:
                continue  # a state of before there was this model
            table = model._meta.db_table
            when = "WHEN (current_setting('hub.actor', true) <> '') " if audited.users_only else ""
            yield _trigger(table, when, "adminsite_audit_row", _arguments(model, audited))
    for table, arguments in _LINKS.get(label, {}).items():
        yield _trigger(table, "", "adminsite_audit_link", arguments)


def _trigger(
    table: str, when: str, function: str, arguments: tuple[str, ...]
) -> tuple[tuple[str, str], str]:
    given = ", ".join("'{}'".format(one.replace("'", "''")) for one in arguments)
    does = f"{when}EXECUTE FUNCTION {function}({given})"
    name = f"{_PREFIX}{hashlib.sha256(does.encode()).hexdigest()[:16]}"
    made = (
        f'CREATE TRIGGER "{name}" AFTER INSERT OR UPDATE OR DELETE ON "{table}" FOR EACH ROW {does}'
    )
    return (name, table), made


def _arguments(model: type[models.Model], audited: Audited) -> tuple[str, ...]:
    fields = model._meta.concrete_fields
    known = {field.column for field in fields}
    editable = [one.column for one in fields if one.editable and not one.primary_key]
    columns = audited.columns or (*editable, *audited.also)
    # In one order: models as migrations know them have their columns in another.
    looked_at = sorted(one for one in columns if one in known and one not in audited.without)
    sealed = [one.column for one in fields if isinstance(one, SealedField)]
    key = model._meta.pk.column
    hidden = [one for one in looked_at if one in (*audited.hidden, *sealed)]
    lists = ("{" + ",".join(one) + "}" for one in (looked_at, hidden))
    return (
        model._meta.label_lower,
        key,
        audited.name,
        *lists,
        *_arguments_of_parent(model, audited),
    )


def _arguments_of_parent(model: type[models.Model], audited: Audited) -> tuple[str, ...]:
    if not audited.of:
        return ()
    key: Any = model._meta.get_field(audited.of)
    parent = key.related_model._meta
    return (key.column, parent.db_table, AUDITED[parent.label_lower].name)
