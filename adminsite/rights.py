"""Who may give which rights to users and permission groups: nobody more than they have."""

from django.contrib.auth.models import Group, Permission, User
from django.db.models import Exists, OuterRef, Q, QuerySet


def rights_of(user: User) -> QuerySet[Permission]:
    """The permissions of `user`, and all there are for a superuser, enabled or not."""
    if user.is_superuser:
        return Permission.objects.all()
    granted = Permission.objects.filter(Q(user=user) | Q(group__user=user))
    return Permission.objects.filter(pk__in=granted.values("pk"))


def has_more_rights(one: User, other: User) -> bool:
    """Whether `one` may do anything that `other` may not."""
    if other.is_superuser:
        return False
    return one.is_superuser or rights_of(one).exclude(pk__in=rights_of(other).values("pk")).exists()


def groups_within_rights_of(user: User) -> QuerySet[Group]:
    """The groups that have no permission beyond those of `user`."""
    beyond = Permission.objects.exclude(pk__in=rights_of(user).values("pk"))
    return Group.objects.filter(~Exists(beyond.filter(group=OuterRef("pk"))))
