"""Groups for tests, and what workers do for them, done at once."""

from groups.building import build_now
from groups.following import GROUPS
from groups.models import ContactGroup, Membership, MembershipEvent
from groups.saving import save_group
from tests.readers.waiting import read_next


def all_of(*conditions):
    return {"match": "all", "conditions": list(conditions)}


def any_of(*conditions):
    return {"match": "any", "conditions": list(conditions)}


def visited(**members):
    """A condition: the contact visited a page."""
    return {"type": "activity", "activities": ["pagevisit"], **members}


def lives_in(*countries, **members):
    return {"type": "country", "values": list(countries), **members}


def agreed(consent, **members):
    return {"type": "consent", "consent": consent.code_name, **members}


def among(*groups, **members):
    return {"type": "group", "groups": [group.code_name for group in groups], **members}


def make_group(code_name="visitors", *conditions, built=True, **fields):
    """A group of contacts for whom all of `conditions` hold; built, unless it is not to be."""
    group = ContactGroup(
        code_name=code_name,
        **{"name": code_name.title(), "rule": all_of(*conditions), **fields},
    )
    save_group(group)
    if built and group.enabled and not group.static:
        build_now(group)
        group.refresh_from_db()
    return group


def change_rule(group, *conditions, built=True):
    """Give the group another rule, and build it unless it is not to be."""
    group.rule = all_of(*conditions)
    save_group(group)
    if built:
        build_now(group)
        group.refresh_from_db()


def members(group):
    """The ids of the contacts that are in the group, as it is stored."""
    rows = Membership.objects.filter(group=group).order_by("contact")
    return list(rows.values_list("contact", flat=True))


def events(group):
    """Who came and went, and why, in order."""
    rows = MembershipEvent.objects.filter(group=group).order_by("pk")
    return [(e.contact_id, "in" if e.entered else "out", e.cause, e.cause_id) for e in rows]


def follow():
    """Let the reader read all that was committed."""
    while read_next(GROUPS):
        pass
    # What came of that: groups that name other groups.
    read_next(GROUPS)
