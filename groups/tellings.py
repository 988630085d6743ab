"""How places in contact groups are told to the person."""

from contacts.telling import Says, Telling, register_telling
from groups.models import Membership, MembershipEvent


def register() -> None:
    """Have these tables be told."""
    register_telling(_MEMBERSHIPS)
    register_telling(_EVENTS)


_MEMBERSHIPS = Telling(
    model=Membership,
    name="groups",
    title="Groups that you are in",
    sentence="We sort people into groups, by rules or by hand, to decide what to show and send.",
    columns=[
        Says(name="group", title="Group", of="group__name"),
        Says(name="code", title="Code", of="group__code_name", on_page=False),
        Says(name="since", title="Since", of="since"),
    ],
    order=("-since", "-id"),
    position=90,
)
_EVENTS = Telling(
    model=MembershipEvent,
    name="group-entries",
    title="When you came into groups, and left",
    sentence="Each entry into a group and each exit, and what was the cause.",
    columns=[
        Says(name="time", title="When", of="at"),
        Says(name="group", title="Group", of="group__name"),
        Says(name="entered", title="You came in", of="entered"),
        Says(name="cause", title="Because of", of="cause"),
        Says(name="by", title="Done by", of="by_id", is_user=True),
    ],
    order=("-at", "-id"),
    position=91,
)
