"""What users of the admin may see and do; every room with pages names its own so."""

from collections.abc import Callable

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Model
from django.http import HttpRequest

type AnyUser = User | AnonymousUser
type May = Callable[[AnyUser], bool]


def user_of(request: HttpRequest) -> User:
    """The user who asks for a page of the admin."""
    assert isinstance(request.user, User)  # the admin lets no other in
    return request.user


def may_see_users(user: AnyUser) -> bool:
    return user.has_perm("auth.view_user")


def may_see_permission_groups(user: AnyUser) -> bool:
    return user.has_perm("auth.view_group")


def may_use_the_admin(user: AnyUser) -> bool:
    return user.is_staff


def may_see_audit_log(user: AnyUser) -> bool:
    """Whether this user may see what all users changed."""
    return user.has_perm("adminsite.view_auditentry")


def may_see_rows(user: AnyUser, model: type[Model]) -> bool:
    """Whether this user may see rows of `model`, of whatever room, by Django's own permission."""
    opts = model._meta
    return user.has_perm(f"{opts.app_label}.view_{opts.model_name}")
