"""Who may use the admin: users and their permission groups."""

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from adminsite.options import EmptyState, HubAdmin

admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class UserAdmin(DjangoUserAdmin, HubAdmin):  # type: ignore[misc]
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "email", "first_name", "last_name", "is_active", "is_superuser")
    list_filter = ("is_superuser", "is_active", "groups")


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
