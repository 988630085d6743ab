"""Who may use the admin: users and their permission groups."""

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.forms import AdminPasswordChangeForm

from adminsite import audit_pages  # noqa: F401 -- it registers its page
from adminsite.columns import Column
from adminsite.navigation import SidebarItem, register_item
from adminsite.options import EmptyState, HubAdmin
from adminsite.permissions import (
    may_see_permission_groups,
    may_see_users,
    may_use_the_admin,
    user_of,
)
from adminsite.rights import groups_within_rights_of, has_more_rights, rights_of
from adminsite.roles import is_role
from adminsite.user_forms import UserChangeForm, UserCreationForm, roles_text

admin.site.unregister(User)
admin.site.unregister(Group)

register_item(
    SidebarItem(
        group="",
        position=10,
        title="Dashboard",
        icon="space_dashboard",
        view="admin:index",
        may_see=may_use_the_admin,
    )
)
register_item(
    SidebarItem(
        group="Settings",
        position=60,
        title="Users",
        icon="manage_accounts",
        view="admin:auth_user_changelist",
        may_see=may_see_users,
    )
)
register_item(
    SidebarItem(
        group="Settings",
        position=70,
        title="Permission groups",
        icon="shield_person",
        view="admin:auth_group_changelist",
        may_see=may_see_permission_groups,
    )
)

_ROLES = Column(roles_text, "Roles", empty="None")
_OWN_RIGHTS = ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")


@admin.register(User)
class UserAdmin(DjangoUserAdmin, HubAdmin):  # type: ignore[misc]
    """Users. Except for superusers, nobody gives rights that they do not have themselves."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = (  # type: ignore[assignment]
        "username",
        _ROLES,
        "email",
        "first_name",
        "last_name",
        "is_active",
    )
    list_filter = ("is_superuser", "is_active", "groups")
    fieldsets = (
        (None, {"fields": ("username", "password", "roles", "is_active")}),
        ("About the user", {"fields": ("first_name", "last_name", "email")}),
        (
            "Advanced",
            {
                "classes": ("collapse",),
                "description": (
                    "What goes beyond roles. Single permissions and further groups add to what a "
                    "user may do; a superuser may do everything."
                ),
                "fields": ("is_staff", "is_superuser", "groups", "user_permissions"),
            },
        ),
        ("Times", {"fields": ("last_login", "date_joined"), "classes": ("collapse",)}),
    )
    add_fieldsets = (
        (None, {"fields": ("username", "email", "roles")}),
        ("Password", {"fields": ("usable_password", "password1", "password2")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("groups")

    def get_form(self, request: HttpRequest, obj: User | None = None, change=False, **kwargs):
        form = super().get_form(request, obj, change=change, **kwargs)
        groups = groups_within_rights_of(user_of(request)).values_list("name", flat=True)
        form.may_give = list(groups)  # type: ignore[attr-defined]
        if obj is not None and not self._may_give_rights(request, obj):
            # A field that the form declares would be taken although no page shows it.
            del form.base_fields["roles"]
        return form

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> list:
        fieldsets = list(super().get_fieldsets(request, obj))
        if obj is None or self._may_give_rights(request, obj):
            return fieldsets
        return [
            (title, {**options, "fields": _seen_roles(options["fields"])})
            for title, options in fieldsets
        ]

    def get_deleted_objects(self, objs, request):
        # What goes with a user, such as sessions, needs no permission of its own.
        texts, counts, _, protected = super().get_deleted_objects(objs, request)
        return texts, counts, set(), protected

    def _may_give_rights(self, request: HttpRequest, obj: User) -> bool:
        is_own = obj == request.user and not user_of(request).is_superuser
        return not is_own and self.has_change_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_change_permission(request, obj) and _is_within_reach(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_delete_permission(request, obj) and _is_within_reach(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None):
        fields = (*super().get_readonly_fields(request, obj), _ROLES)
        if request.user.is_superuser:
            return fields
        return (*fields, *(_OWN_RIGHTS if obj == request.user else ("is_superuser",)))

    def formfield_for_manytomany(self, db_field, request, **kwargs):
        field = super().formfield_for_manytomany(db_field, request, **kwargs)
        if field is not None and db_field.name == "groups":
            field.queryset = groups_within_rights_of(user_of(request))
        elif field is not None and db_field.name == "user_permissions":
            field.queryset = _permissions_to_give(field, request)
        return field


@admin.register(Group)
class PermissionGroupAdmin(DjangoGroupAdmin, HubAdmin):  # type: ignore[misc]
    empty_state = EmptyState(
        icon="shield_person",
        title="No permission groups yet",
        text=(
            "A permission group is a set of things that its users may see and do, such as "
            "“Marketers”. Create one, then add users to it."
        ),
    )

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return super().has_change_permission(request, obj) and _may_change(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return super().has_delete_permission(request, obj) and _may_change(request, obj)

    def formfield_for_manytomany(self, db_field, request, **kwargs):
        field = super().formfield_for_manytomany(db_field, request, **kwargs)
        if field is not None and db_field.name == "permissions":
            field.queryset = _permissions_to_give(field, request)
        return field


def _is_within_reach(request: HttpRequest, user: User | None) -> bool:
    # A user who edits another can set their password, and so become that user.
    return user is None or user == request.user or not has_more_rights(user, user_of(request))


def _may_change(request: HttpRequest, group: Group | None) -> bool:
    # A role is what its table says: a change would be gone after the next upgrade.
    if group is not None and is_role(group):
        return False
    return group is None or groups_within_rights_of(user_of(request)).contains(group)


def _seen_roles(fields) -> tuple:
    """Fields of a form, with the roles as a text in place of the boxes to tick."""
    return tuple(_ROLES if name == "roles" else name for name in fields)


def _permissions_to_give(field, request: HttpRequest):
    return field.queryset.filter(pk__in=rights_of(user_of(request)).values("pk"))
