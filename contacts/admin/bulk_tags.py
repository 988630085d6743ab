"""Tags for all contacts that the filters of the list find."""

from collections.abc import Collection, Mapping
from typing import Any

from django import forms
from django.contrib.auth.models import User
from unfold.widgets import UnfoldAdminTextInputWidget

from adminsite.permissions import AnyUser
from contacts.admin.permissions import may_change_contacts, may_see_contacts
from contacts.annotating import CannotAnnotate, clean_tag_name, get_or_create_tag, tag_contacts
from contacts.annotations import LONGEST_TAG
from contacts.models import Contact
from jobs.bulk import BulkKind, Outcome, register_bulk_action


class TagNameForm(forms.Form):
    """Which tag it is about: one that there is, or a new one."""

    name = forms.CharField(
        label="Tag",
        max_length=LONGEST_TAG,
        widget=UnfoldAdminTextInputWidget,
        help_text="A tag that there is, in any letter case, or a new one.",
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any):
        super().__init__(*args, **kwargs)

    def clean_name(self) -> str:
        try:
            return clean_tag_name(self.cleaned_data["name"])
        except CannotAnnotate as error:
            raise forms.ValidationError(str(error)) from None


def _tag(ids: Collection[int], options: Mapping[str, Any], by: User) -> Outcome:
    return Outcome(tag_contacts(ids, get_or_create_tag(options["name"]), by=by))


def _may(user: AnyUser) -> bool:
    return may_see_contacts(user) and may_change_contacts(user)


register_bulk_action(
    Contact,
    BulkKind(
        name="tag",
        title="Give a tag",
        icon="sell",
        may=_may,
        do=_tag,
        changed="got the tag",
        form=TagNameForm,
        says=lambda options: f"Give the tag “{options['name']}”",
    ),
)
