"""Who may use the admin: users and their permission groups."""

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from adminsite.options import EmptyState, HubAdmin
from adminsite.rights import groups_within_rights_of, has_more_rights, rights_of

admin.site.unregister(User)
admin.site.unregister(Group)

_OWN_RIGHTS = ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")


@admin.register(User)
class UserAdmin(DjangoUserAdmin, HubAdmin):  # type: ignore[misc]
    """Users. Except for superusers, nobody gives rights that they do not have themselves."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "email", "first_name", "last_name", "is_active", "is_superuser")
    list_filter = ("is_superuser", "is_active", "groups")

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_change_permission(request, obj) and _is_within_reach(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_delete_permission(request, obj) and _is_within_reach(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None):
        fields = super().get_readonly_fields(request, obj)
        if request.user.is_superuser:
            return fields
        return (*fields, *(_OWN_RIGHTS if obj == request.user else ("is_superuser",)))

    def formfield_for_manytomany(self, db_field, request, **kwargs):
        field = super().formfield_for_manytomany(db_field, request, **kwargs)
        if field is not None and db_field.name == "groups":
            field.queryset = groups_within_rights_of(_asking(request))
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
        return super().has_change_permission(request, obj) and _may_give(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return super().has_delete_permission(request, obj) and _may_give(request, obj)

    def formfield_for_manytomany(self, db_field, request, **kwargs):
        field = super().formfield_for_manytomany(db_field, request, **kwargs)
        if field is not None and db_field.name == "permissions":
            field.queryset = _permissions_to_give(field, request)
        return field


def _asking(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # the admin lets no other in
    return request.user


def _is_within_reach(request: HttpRequest, user: User | None) -> bool:
    # Who edits a user can set their password, and so become that user.
    return user is None or user == request.user or not has_more_rights(user, _asking(request))


def _may_give(request: HttpRequest, group: Group | None) -> bool:
    return group is None or groups_within_rights_of(_asking(request)).contains(group)


def _permissions_to_give(field, request: HttpRequest):
    return field.queryset.filter(pk__in=rights_of(_asking(request)).values("pk"))
