"""Addresses that get no emails, in the admin: added by hand, and released again."""

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from adminsite.columns import Badge, Moment, Short, labels_of
from adminsite.navigation import SidebarItem, register_item
from adminsite.options import EmptyState, HubAdmin
from adminsite.permissions import AnyUser
from automations.admin.permissions import may_see_suppressions
from automations.emails.suppressing import key_of
from automations.models import Suppression
from contacts.admin.permissions import may_see_contacts
from contacts.emails import LONGEST_EMAIL, check_email

Reason = Suppression.Reason


def may_see_suppressed_addresses(user: AnyUser) -> bool:
    """Whether this user may see addresses, which are of contacts, that get no emails."""
    return may_see_suppressions(user) and may_see_contacts(user)


class SuppressionForm(forms.ModelForm):
    """One address that gets no more emails, and why."""

    email = forms.CharField(
        max_length=LONGEST_EMAIL,
        validators=[check_email],
        widget=UnfoldAdminTextInputWidget,
        help_text="No email goes to this address any more. The contact stays.",
    )

    class Meta:
        model = Suppression
        fields = ("detail",)
        labels = {"detail": "Why"}
        widgets = {"detail": UnfoldAdminTextareaWidget(attrs={"rows": 2})}

    def clean_email(self) -> str:
        key = key_of(self.cleaned_data["email"])
        if Suppression.objects.filter(email_key=key).exists():
            raise ValidationError("This address gets no emails already.")
        return key

    def save(self, commit=True):
        self.instance.email_key = self.cleaned_data["email"]
        self.instance.reason = Reason.USER
        return super().save(commit)


@admin.register(Suppression)
class SuppressionAdmin(HubAdmin):
    form = SuppressionForm
    list_display = (
        Short("email_key", "Email"),
        Badge(
            "reason",
            labels=labels_of(
                dict.fromkeys(Reason, "neutral") | {Reason.BOUNCED: "bad", Reason.COMPLAINED: "bad"}
            ),
        ),
        Short("detail", "Why"),
        Moment("at", "Since"),
    )
    list_filter = (("reason", ChoicesDropdownFilter),)
    ordering = ("-at", "-id")
    sortable_by = ()
    search_fields = ("email_key",)
    search_help_text = "Whole email"
    list_help = (
        "No email goes to these addresses, transactional ones neither. Delete one if its owner can "
        "get emails again, and wants them."
    )
    empty_state = EmptyState(
        icon="mail_off",
        title="No suppressed addresses",
        text=(
            "Addresses that do not exist, and those whose owners reported an email as spam, come "
            "here by themselves, and get no more emails. You can add others."
        ),
    )

    def find(self, request: HttpRequest, queryset, term: str):
        return queryset.filter(email_key=key_of(term))

    def get_fields(self, request, obj=None):
        shown = (Short("email_key", "Email"), *self.list_display[1:])
        return ("email", "detail") if obj is None else shown

    def get_readonly_fields(self, request, obj=None):
        return () if obj is None else self.get_fields(request, obj)

    def has_view_permission(self, request: HttpRequest, obj=None) -> bool:
        return may_see_suppressed_addresses(request.user)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and may_see_contacts(request.user)

    def has_change_permission(self, request: HttpRequest, obj=None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj=None) -> bool:
        return super().has_delete_permission(request, obj) and may_see_contacts(request.user)


register_item(
    SidebarItem(
        group="Automations",
        position=40,
        title="Suppressed addresses",
        icon="mail_off",
        view="admin:automations_suppression_changelist",
        may_see=may_see_suppressed_addresses,
    )
)
