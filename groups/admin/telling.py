"""Rules that tell who a contact is: counting them is for users who may see contacts."""

from adminsite.permissions import AnyUser
from contacts.admin.permissions import may_see_contacts
from groups.admin.offers import OF_MANY
from groups.ordering import rules_within
from groups.rules import InvalidRule, Tree

_SAVED = (
    "Only users who may see contacts may save a condition on a name, an email or another field "
    "that tells who a contact is, or on a group whose rule has one: its count would tell it."
)


def may_count(user: AnyUser, tree: Tree) -> bool:
    """Whether this user may know how many contacts the rule holds for.

    Not if a condition is on a field that tells who a contact is, letter by letter if asked, here
    or in the rule of a group that is named; unless the user may see contacts.
    """
    return may_see_contacts(user) or not any(
        leaf.type == "field" and leaf.members["field"] not in OF_MANY
        for rule in rules_within(tree)
        for leaf in rule.leaves()
    )


def check_may_save(user: AnyUser, tree: Tree) -> None:
    """Refuse a rule that this user may not count: pages count what is saved.

    :raises InvalidRule: with what is asked for
    """
    if not may_count(user, tree):
        raise InvalidRule("", _SAVED)
