"""What becomes of places in groups when two contacts are merged."""

from adminsite.formatting import EMPTY
from contacts.admin.merging import Outcome, register_outcome
from contacts.models import Contact
from groups.admin.permissions import may_see_groups
from groups.models import Membership


def _groups(survivor: Contact, loser: Contact) -> list[tuple[str, str, str, str]]:
    rows = Membership.objects.filter(contact__in=[survivor, loser]).select_related("group")
    inside: dict[tuple[str, bool], set[int]] = {}
    for row in rows.order_by("group__name", "group_id"):
        inside.setdefault((row.group.name, row.group.static), set()).add(row.contact_id)
    return [
        (
            name,
            "Member" if survivor.pk in members else EMPTY,
            "Member" if loser.pk in members else EMPTY,
            "Member" if static else "As its rule says of the two together",
        )
        for (name, static), members in inside.items()
    ]


register_outcome(Outcome("Contact groups", may_see_groups, _groups))
