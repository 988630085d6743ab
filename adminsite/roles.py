"""Roles: what a kind of user may see and do, as a permission group that the hub keeps.

Which permissions a role has stands in a table of a room above; here is what pages say of roles.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib.auth.models import Group, User


@dataclass(frozen=True)
class Role:
    """A kind of user: its code in commands, its name, and one sentence on what it may do."""

    code: str
    name: str
    may: str


_roles: dict[str, Role] = {}


def register_role(role: Role) -> None:
    """Offer `role` where users are made and changed, after those that are there."""
    _roles[role.code] = role


def all_roles() -> list[Role]:
    """The roles, in the order in which they are offered."""
    return list(_roles.values())


def role_names() -> list[str]:
    """What the permission groups of the roles are called."""
    return [role.name for role in all_roles()]


def is_role(group: Group) -> bool:
    """Whether the hub itself keeps the permissions of `group`."""
    return group.name in role_names()


def roles_of(user: User) -> list[Role]:
    """The roles that `user` has, as far as they are kept by the hub."""
    names = {group.name for group in user.groups.all()}
    return [role for role in all_roles() if role.name in names]


def give_roles(user: User, codes: Iterable[str]) -> None:
    """Let `user` have the roles with these codes and no others; other groups stay."""
    wanted = {role.name for role in all_roles() if role.code in set(codes)}
    user.groups.remove(*user.groups.filter(name__in=set(role_names()) - wanted))
    user.groups.add(*Group.objects.filter(name__in=wanted))
