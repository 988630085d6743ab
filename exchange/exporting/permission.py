"""Which lists a user may export, and whether a file may still be taken."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Model
from django.http import HttpRequest

from adminsite.permissions import AnyUser
from contacts.admin.permissions import may_see_contacts
from exchange.exporting.sources import can_be_exported
from exchange.models import Export


def may_export(user: AnyUser) -> bool:
    """Whether this user may have files made of the lists that they see."""
    return user.has_perm("exchange.add_export")


def may_see_exports(user: AnyUser) -> bool:
    """Whether this user has a list of exports: their own, or those of all users."""
    return user.has_perm("exchange.view_export")


def may_see_all_exports(user: AnyUser) -> bool:
    """Whether this user may see who took what."""
    return user.has_perm("exchange.see_all_exports")


def may_export_list(user: AnyUser, model: type[Model]) -> bool:
    """Whether this user may export the list of `model`, which they see."""
    if not may_export(user) or not can_be_exported(model):
        return False
    request = HttpRequest()
    request.user = user
    model_admin: Any = admin.site.get_model_admin(model)
    return model_admin.has_view_permission(request)


def why_not_taken(export: Export, user: User) -> str:
    """Why `user` may not download the file any more, in a sentence; "" if they may."""
    if export.by_id != user.pk:
        return "The file is for the user who asked for it."
    model = export.model
    sees_less = not export.is_masked and not may_see_contacts(user)
    if sees_less or model is None or not may_export_list(user, model):
        return "You may not see any more what is in the file."
    return ""
