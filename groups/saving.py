"""Saving and deleting groups: what users, files and code do comes here."""

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone

from database.letter_case import fold
from groups.locks import lock_groups, lock_rules
from groups.models import ContactGroup
from groups.ordering import check_cycle, referenced_groups
from groups.requesting import outdate_builds, request_build, request_builds_of_dependents
from groups.rules import InvalidRule, parse, to_json
from groups.switching import switch

# What builds write, and no caller.
_BUILT = ("built_version", "built_at", "served_rule", "built_meaning")


class GroupInUse(ValueError):
    """A group cannot be deleted; the message says what needs it, for the user who tried."""


@transaction.atomic
def save_group(group: ContactGroup, *, by: User | None = None) -> None:
    """Check and save a group, and have a worker build it if another rule decides from now on.

    The rule is kept in its normal form. The members stay until the build is done; of a group that
    is switched off they leave at once.

    :raises InvalidRule: if the rule cannot be, or names the group itself, perhaps through others
    :raises ValidationError: if something else is wrong, such as a code name that another one has
    """
    lock_rules()
    tree = parse(group.rule)
    group.rule = to_json(tree)
    old = ContactGroup.objects.select_for_update(no_key=True).filter(pk=group.pk).first()
    if not group.static:
        check_cycle(group, tree)
    if old is None and not group._state.adding:
        raise ValidationError("Another user has deleted this group meanwhile.")
    is_changed, had_members = True, group.has_members
    if old is not None:
        is_changed = _take_over(group, old)
        had_members = old.has_members
        if old.code_name != group.code_name and (others := _groups_that_name(old)):
            raise ValidationError(
                {"code_name": f"Keep the code name: the rule of {others[0]} names the group by it."}
            )
    elif group.static:
        group.built_version = group.version
    group.full_clean()
    group.save(force_insert=old is None, force_update=old is not None)
    if is_changed:
        outdate_builds(group.pk)
    if old is not None:
        switch(old, group, by)
    # One that has to be built before it has members has this done then.
    if group.has_members != had_members:
        request_builds_of_dependents(group.pk)
    if is_changed and group.enabled and not group.static:
        request_build(group, by)


@transaction.atomic
def delete_group(group: ContactGroup) -> None:
    """Delete a group, its members and its history.

    :raises GroupInUse: if the rule of another group names it
    """
    lock_rules()
    list(ContactGroup.objects.select_for_update().filter(pk=group.pk))
    check_unused(group)
    lock_groups([group.pk])
    with connection.cursor() as cursor:
        for table in ("membership", "membershipevent", "membershipdue"):
            cursor.execute(f"DELETE FROM groups_{table} WHERE group_id = %s", [group.pk])  # noqa: S608
    ContactGroup.objects.filter(pk=group.pk).delete()


def check_unused(group: ContactGroup) -> None:
    """Refuse to delete a group that others need.

    :raises GroupInUse: if the rule of another group names it
    """
    if others := _groups_that_name(group):
        raise GroupInUse(
            f"{group.name} is named by the rule of {others[0]}. Take it out of that rule first."
        )


def _take_over(group: ContactGroup, old: ContactGroup) -> bool:
    """Keep what builds have written since the caller read the group; tell whether it decides anew.

    Then the version is another one.
    """
    for name in ("version", "rule_changed_at", "created_at", *_BUILT):
        setattr(group, name, getattr(old, name))
    if (old.enabled, old.static, _normal(old.rule)) == (group.enabled, group.static, group.rule):
        return False
    group.version += 1
    group.rule_changed_at = timezone.now()
    if group.static:
        group.served_rule, group.built_version = None, group.version
    elif not group.enabled:
        # When it is switched on again, nobody is in it before it is built.
        group.served_rule, group.built_version, group.built_at = None, 0, None
    return True


def _normal(rule: object) -> object:
    try:
        return to_json(parse(rule))
    except InvalidRule:  # of a condition that the hub does not have any more
        return rule


def _groups_that_name(group: ContactGroup) -> list[ContactGroup]:
    """The other groups whose rules name this one."""
    others = ContactGroup.objects.filter(static=False).exclude(pk=group.pk).order_by("name", "pk")
    return [other for other in others if _names(other, group)]


def _names(other: ContactGroup, group: ContactGroup) -> bool:
    try:
        named = referenced_groups(parse(other.rule))
    except InvalidRule:
        return False
    return fold(group.code_name) in map(fold, named)
