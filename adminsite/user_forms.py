"""The forms of users: a role is one click, single permissions are behind “Advanced”."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib.auth.models import User
from unfold.forms import UserChangeForm as UnfoldUserChangeForm
from unfold.forms import UserCreationForm as UnfoldUserCreationForm
from unfold.widgets import CHECKBOX_CLASSES

from adminsite.roles import Role, all_roles, give_roles, role_names, roles_of


class RoleChoices(forms.CheckboxSelectMultiple):
    """A box to tick for each role, with the sentence on what it may do."""

    template_name = "adminsite/roles.html"
    option_template_name = "adminsite/role.html"

    def create_option(self, name: str, value: Any, label: Any, *args: Any, **kwargs: Any) -> dict:
        option = super().create_option(name, value, label, *args, **kwargs)
        option["role"] = next(role for role in all_roles() if role.code == value)
        option["attrs"]["class"] = " ".join(CHECKBOX_CLASSES)
        return option


class _RolesForm(forms.ModelForm):
    """What both forms do with roles. `may_give` has the names of the groups to choose from."""

    may_give: Iterable[str] = ()

    roles = forms.MultipleChoiceField(
        required=False,
        widget=RoleChoices,
        help_text="A user with several roles may do what each of them may.",
    )

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        given = set(self.may_give)
        if field := self.fields.get("roles"):
            offered = [role for role in all_roles() if role.name in given]
            field.choices = [(role.code, role.name) for role in offered]  # type: ignore[attr-defined]
            if self.instance.pk:
                field.initial = [one.code for one in roles_of(self.instance) if one in offered]
        if groups := self.fields.get("groups"):
            others = groups.queryset.exclude(name__in=role_names())  # type: ignore[attr-defined]
            groups.queryset = others  # type: ignore[attr-defined]

    def _save_m2m(self) -> None:
        kept = [role for role in self._roles_before() if role.name not in set(self.may_give)]
        # They are no groups of the form's field, which would take them away.
        super()._save_m2m()  # type: ignore[misc]
        if "roles" in self.fields:
            codes = self.cleaned_data["roles"]
            give_roles(self.instance, [*codes, *(role.code for role in kept)])

    def _roles_before(self) -> list[Role]:
        return roles_of(self.instance)


class UserCreationForm(_RolesForm, UnfoldUserCreationForm):
    """Name, password and roles of a user who is new."""

    def save(self, commit: bool = True) -> User:
        """Save the user, who may use the admin: that is what users are for."""
        self.instance.is_staff = True
        return super().save(commit)


class UserChangeForm(_RolesForm, UnfoldUserChangeForm):
    """Everything about a user."""


def roles_text(user: User) -> str:
    """The roles of `user` in a list, and that they may do everything if they are a superuser."""
    if user.is_superuser:
        return "Superuser"
    return ", ".join(role.name for role in roles_of(user))
