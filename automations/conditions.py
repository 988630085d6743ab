"""The condition of rules on what became of an email, and what rules have to know for it."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from automations.logs import EMAIL_EVENTS
from automations.models import Template
from groups.conditions import Condition, Scene, register
from groups.conditions.members import Members
from groups.conditions.profile import since
from groups.conditions.wording import counted, quoted
from groups.facts import register_log
from groups.formulas import NOBODY, Fact, Formula, Looked, Statement, put
from groups.models import MembershipEvent
from groups.names import Kind, Known, Names, register_names
from groups.past import register_table, rows_then

TEMPLATE = Kind("email template")
_TABLE = "automations_emailevent"
# What a contact has done or had done, and has not.
_SAID = {
    "sent": ("was sent {}", "was not sent {}"),
    "opened": ("has opened {}", "has not opened {}"),
    "clicked": ("has clicked a link in {}", "has not clicked a link in {}"),
    "bounced": ("has an address that sent {} back", "has no address that sent {} back"),
    "unsubscribed": ("has unsubscribed by {}", "has not unsubscribed by {}"),
}


class EmailActivity(Condition):
    """An email of a template was sent to the contact, or they opened it, clicked and so on.

    What programs do that open emails before people do is nothing that a contact did.
    """

    type = "email_activity"
    title = "Emails"

    def read(self, members: Members) -> dict[str, Any]:
        return {
            "template": members.text("template", most=200),
            "did": members.choice("did", tuple(_SAID)),
            **members.optional_days(),
        }

    def formula(self, members: Mapping[str, Any], scene: Scene) -> Formula:
        events = _events(members, scene)
        if events is None:
            return NOBODY
        one = put(
            f"SELECT e.at FROM {_TABLE} AS e WHERE e.contact_id = s.contact_id AND {{}}"  # noqa: S608
            " ORDER BY e.at DESC, e.id DESC LIMIT 1",
            events,
        )
        all_ = put(
            f"SELECT e.contact_id, max(e.at) AS found FROM {_TABLE} AS e WHERE {{}}"  # noqa: S608
            " GROUP BY e.contact_id",
            events,
        )
        hours = members["days"] * 24 if "days" in members else None
        return Fact(Looked(one, all_, hours=hours))

    def evidence(self, members: Mapping[str, Any], scene: Scene) -> Sequence[Statement]:
        events = _events(members, scene)
        if events is None:
            return ()
        newest = put(
            "SELECT 'email_event', e.id, e.at, {}, 1 FROM automations_emailevent AS e"
            " WHERE e.contact_id = s.contact_id AND {}"
            " ORDER BY e.at DESC, e.id DESC LIMIT 1",
            *(self.phrase({**members, "days": None}, False, scene.known), events),
        )
        return (newest,)

    def names(self, members: Mapping[str, Any]) -> Mapping[Kind, Collection[str]]:
        return {TEMPLATE: (members["template"],)}

    def phrase(self, members: Mapping[str, Any], negate: bool, known: Known) -> str:
        said = _SAID[members["did"]][negate]
        days = members.get("days")
        ago = f" within the last {counted(days, 'day')}" if days else ""
        return said.format(quoted(known.title(TEMPLATE, members["template"]))) + ago


def _events(members: Mapping[str, Any], scene: Scene) -> Statement | None:
    """What the events are like that are looked for, of the table `e`; None if there can be none."""
    template = scene.known.get(TEMPLATE, members["template"])
    if template is None:
        return None
    events = put(
        "e.template_id = {} AND e.kind = {} AND NOT e.by_robot", template.id, members["did"]
    )
    if "days" in members:
        events = put("{} AND e.at > {}::timestamptz", events, since(members["days"], scene))
    return events


register_names(
    TEMPLATE,
    Names(
        Template,
        missing="There is no email template “{}” any more: nobody gets an email of it. "
        "Choose another.",
    ),
)
register_log(
    EMAIL_EVENTS,
    f"""
        SELECT '{TEMPLATE}', template_id::text, contact_id, max(id) FROM {_TABLE}
        WHERE {{rows}} AND template_id IS NOT NULL AND NOT by_robot
        GROUP BY template_id, contact_id
    """,  # noqa: S608 -- of names of our own
    MembershipEvent.Cause.EMAIL,
)
register_table(
    _TABLE,
    lambda contact, at: rows_then(
        *(contact, at),
        table=_TABLE,
        columns="id, template_id, kind, by_robot, at",
        time="at",
        key="automations.emailevent.contact",
    ),
)
register(EmailActivity())
