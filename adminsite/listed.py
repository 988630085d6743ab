"""The rows of a list as a user would see them, outside of a request for it."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.auth.models import User
from django.db.models import Model
from django.http import HttpRequest, QueryDict

if TYPE_CHECKING:
    from adminsite.options import RowsOfList


class NotListed(Exception):
    """The user may not see the list, or not filter it like that; the message says so."""


def rows_listed(model: type[Model], user: User, query: str) -> "RowsOfList":
    """What the list of `model` finds for `user`, filtered by `query`, the part of an address.

    :raises NotListed: if the user may not see that
    """
    model_admin: Any = admin.site.get_model_admin(model)
    request: Any = HttpRequest()
    request.method, request.user, request.GET = "GET", user, QueryDict(query)
    request.shows_a_page = False
    if not user.is_active or not user.is_staff or not model_admin.has_view_permission(request):
        name = model._meta.verbose_name_plural
        raise NotListed(f"The user who asked for it may not see {name} any more.")
    try:
        return model_admin.get_changelist_instance(request)
    except (IncorrectLookupParameters, DisallowedModelAdminLookup):
        raise NotListed(
            "The list cannot be filtered like that any more: a filter is gone, or the user who "
            "asked for it may not use it."
        ) from None


def next_ids(listed: "RowsOfList", after: int, most: int) -> tuple[list[int], int | None]:
    """The next ids above `after` that are in the list, in their order, of `most` rows looked at.

    Beside them the last id that was looked at; None if there are no more.
    """
    rows = listed.queryset.filter(pk__gt=after).order_by("pk")
    ids = list(rows.values_list("pk", flat=True)[:most])
    if not ids:
        return [], None
    if listed.look is None:
        return ids, ids[-1]
    found = listed.look.among(ids)
    return [one for one in ids if one in found], ids[-1]
