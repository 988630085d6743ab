"""The kinds of triggers."""

from collections.abc import Collection, Mapping
from typing import Any

from activities.logs import ACTIVITIES
from automations.steps.waiting import ZONE_OF_CONTACT, read_hour, read_zone
from automations.triggers.base import TriggerKind, register
from consents.logs import AGREEMENTS
from contacts.logs import CHANGES
from contacts.profile import FIELDS
from groups.conditions.base import Scene
from groups.conditions.doings import Activity, read_properties
from groups.conditions.members import Members
from groups.conditions.wording import any_of, quoted
from groups.facts import ENTRIES
from groups.formulas import Statement, put
from groups.names import Kind

_MOST_DAYS_BEFORE = 365


class ActivityHappens(TriggerKind):
    """An activity of one of some types, which may have to be like this and that."""

    type = "activity"
    title = "Activity is recorded"
    log = ACTIVITIES
    at = "a.occurred_at"
    event_name = "(SELECT code_name FROM activities_activitytype AS t WHERE t.id = a.type_id)"
    # What came with an ActiveCampaign-format event, as it was sent: the value may have been cut.
    event_data = "coalesce(nullif(a.properties ->> 'eventdata', ''), a.value)"

    def read(self, members: Members) -> dict[str, Any]:
        read: dict[str, Any] = {"activities": members.names("activities")}
        read |= members.optional_comparison("value", numbers=True)
        read |= members.optional_comparison("url")
        if members.has("properties") and (properties := read_properties(members)):
            read["properties"] = properties
        return read

    def phrase(self, members: Mapping[str, Any]) -> str:
        return f"{any_of([quoted(name) for name in members['activities']])} is recorded"

    def names(self, members: Mapping[str, Any]) -> Mapping[Kind, Collection[str]]:
        return {Kind.ACTIVITY_TYPE: members["activities"]}

    def criterion(self, members: Mapping[str, Any], scene: Scene) -> Statement | None:
        (search,) = Activity().searches(members, scene)
        return search.where(scene) if search.type_ids else None


class GroupChanges(TriggerKind):
    """A contact enters or leaves a `group`."""

    type = "group"
    title = "Group is entered or left"
    log = ENTRIES
    # What a reader has written about a row of another log came of that row; if that was of another
    # group, of what that one came of.
    transaction = """(
        WITH RECURSIVE origin AS (
            SELECT a.id, a.cause, a.cause_id, a.recorded_in, 1 AS number
            UNION ALL
            SELECT before.id, before.cause, before.cause_id, before.recorded_in, number + 1
            FROM origin CROSS JOIN LATERAL (
                SELECT event.* FROM groups_membershipevent AS event
                WHERE event.contact_id = a.contact_id AND event.group_id = origin.cause_id
                    AND event.id < origin.id
                ORDER BY event.at DESC, event.id DESC LIMIT 1
            ) AS before WHERE origin.cause = 'group'
        )
        SELECT coalesce(CASE cause
            WHEN 'activity' THEN (SELECT recorded_in FROM activities_activity WHERE id = cause_id)
            WHEN 'change' THEN (SELECT recorded_in FROM contacts_contactchange WHERE id = cause_id)
            WHEN 'agreement' THEN
                (SELECT recorded_in FROM consents_consentagreement WHERE id = cause_id)
            END, recorded_in)
        FROM origin ORDER BY number DESC LIMIT 1)"""

    def read(self, members: Members) -> dict[str, Any]:
        return {
            "group": members.text("group", most=200),
            "on": members.choice("on", ("entry", "exit"), default="entry"),
        }

    def phrase(self, members: Mapping[str, Any]) -> str:
        does = "enters" if members["on"] == "entry" else "leaves"
        return f"A contact {does} {quoted(members['group'])}"

    def names(self, members: Mapping[str, Any]) -> Mapping[Kind, Collection[str]]:
        return {Kind.GROUP: [members["group"]]}

    def criterion(self, members: Mapping[str, Any], scene: Scene) -> Statement | None:
        group = scene.known.get(Kind.GROUP, members["group"])
        if group is None:
            return None
        # What the undo of a merge brings back is nothing that the contact did.
        sql = "a.group_id = {} AND a.entered = {} AND a.cause <> 'undo'"
        return put(sql, group.id, members["on"] == "entry")


class ConsentChanges(TriggerKind):
    """A contact agrees to a `consent`, or revokes."""

    type = "consent"
    title = "Consent is given or revoked"
    log = AGREEMENTS

    def read(self, members: Members) -> dict[str, Any]:
        return {
            "consent": members.text("consent", most=200),
            "on": members.choice("on", ("agree", "revoke"), default="agree"),
        }

    def phrase(self, members: Mapping[str, Any]) -> str:
        does = "agrees to" if members["on"] == "agree" else "revokes"
        return f"A contact {does} {quoted(members['consent'])}"

    def names(self, members: Mapping[str, Any]) -> Mapping[Kind, Collection[str]]:
        return {Kind.CONSENT: [members["consent"]]}

    def criterion(self, members: Mapping[str, Any], scene: Scene) -> Statement | None:
        consent = scene.known.get(Kind.CONSENT, members["consent"])
        if consent is None:
            return None
        return put("a.consent_id = {} AND a.agreed = {}", consent.id, members["on"] == "agree")


class FieldChanges(TriggerKind):
    """A `field` of a contact becomes different."""

    type = "field"
    title = "Field changes"
    log = CHANGES

    def read(self, members: Members) -> dict[str, Any]:
        return {"field": members.choice("field", list(FIELDS))}

    def phrase(self, members: Mapping[str, Any]) -> str:
        return f"The {members['field'].replace('_', ' ')} of a contact changes"

    def criterion(self, members: Mapping[str, Any], scene: Scene) -> Statement | None:
        return put("jsonb_exists(a.after, {}) AND a.source <> 'undo'", members["field"])


class DateComes(TriggerKind):
    """Every year on the day of a date `field`, or some days before, at an hour."""

    type = "date"
    title = "Date comes"

    def read(self, members: Members) -> dict[str, Any]:
        read: dict[str, Any] = {"field": members.choice("field", ("birthday",))}
        days = 0
        if members.has("days_before"):
            days = members.whole("days_before", 0, _MOST_DAYS_BEFORE)
        read["days_before"] = days
        read["at"] = read_hour(members, "at") if members.has("at") else "09:00"
        return read | read_zone(members)

    def phrase(self, members: Mapping[str, Any]) -> str:
        days = members["days_before"]
        when = f"{days} day{'' if days == 1 else 's'} before the" if days else "On the"
        zone = members.get("zone")
        where = " of the contact" if zone == ZONE_OF_CONTACT else f" in {zone}" if zone else ""
        return f"{when} {members['field']}, at {members['at']}{where}"


class ByHand(TriggerKind):
    """Users and programs let contacts in."""

    type = "manual"
    title = "Started by hand or by a program"

    def read(self, members: Members) -> dict[str, Any]:
        return {}

    def phrase(self, members: Mapping[str, Any]) -> str:
        return "Started by hand or by a program"


for _kind in (
    *(ActivityHappens(), GroupChanges(), ConsentChanges()),
    *(FieldChanges(), DateComes(), ByHand()),
):
    register(_kind)
