"""Static groups as bulk actions: all contacts that a filter finds come in, or go out."""

from collections.abc import Collection, Mapping
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.db.models.functions import Lower
from unfold.widgets import UnfoldAdminSelectWidget

from adminsite.permissions import AnyUser
from contacts.admin.permissions import may_see_contacts
from contacts.models import Contact
from groups.admin.permissions import may_change_groups
from groups.membership import NotStatic, add_members, remove_members
from groups.models import ContactGroup, MembershipEvent
from jobs.bulk import BulkKind, CannotGoOn, Outcome, register_bulk_action


class StaticGroupForm(forms.Form):
    """Which list it is about."""

    group = forms.ModelChoiceField(
        ContactGroup.objects.none(),
        label="Group",
        widget=UnfoldAdminSelectWidget,
        help_text="Static groups alone: of others, a rule decides who is in them.",
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any):
        super().__init__(*args, **kwargs)
        groups = ContactGroup.objects.filter(static=True).order_by(Lower("name"))
        self.fields["group"].queryset = groups  # type: ignore[attr-defined]


def _add(ids: Collection[int], options: Mapping[str, Any], by: User) -> Outcome:
    return _choose(add_members, ids, options, by)


def _remove(ids: Collection[int], options: Mapping[str, Any], by: User) -> Outcome:
    return _choose(remove_members, ids, options, by)


def _choose(choose: Any, ids: Collection[int], options: Mapping[str, Any], by: User) -> Outcome:
    group = ContactGroup.objects.filter(pk=options["group"]).first()
    if group is None:
        raise CannotGoOn(f"The group “{options['name']}” was deleted.")
    try:
        changed = choose(group, ids, cause=MembershipEvent.Cause.USER, by=by)
    except NotStatic as error:
        raise CannotGoOn(str(error)) from None
    return Outcome(changed)


def _options(cleaned: Mapping[str, Any]) -> dict[str, Any]:
    return {"group": cleaned["group"].pk, "name": cleaned["group"].name}


def _may_choose_members(user: AnyUser) -> bool:
    return may_change_groups(user) and may_see_contacts(user)


for _kind in (
    BulkKind(
        name="add-to-group",
        title="Add to a group",
        icon="group_add",
        may=_may_choose_members,
        do=_add,
        changed="came in",
        form=StaticGroupForm,
        options=_options,
        says=lambda options: f"Add to the group “{options['name']}”",
    ),
    BulkKind(
        name="take-out-of-group",
        title="Take out of a group",
        icon="group_remove",
        may=_may_choose_members,
        do=_remove,
        changed="went out",
        form=StaticGroupForm,
        options=_options,
        says=lambda options: f"Take out of the group “{options['name']}”",
    ),
):
    register_bulk_action(Contact, _kind)
