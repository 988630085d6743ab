"""The form in which marketers edit a contact."""

from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import format_html
from unfold.widgets import UnfoldAdminSelect2Widget

from adminsite.formatting import link_to
from adminsite.stale import SeenValuesForm
from contacts.birthdays import EARLIEST_BIRTHDAY, is_credible_birthday
from contacts.erased_names import NameErased, are_erased
from contacts.models import Contact
from contacts.places import country_names, state_names
from contacts.profile import may_have_state


def _countries() -> list[tuple[str, str]]:
    return [("", "Unknown"), *country_names().items()]


def _states() -> list[tuple[str, str]]:
    return [("", "None"), *state_names().items()]


class ContactForm(SeenValuesForm):
    """All fields of a contact, with names of countries and states in place of their codes."""

    country = forms.ChoiceField(required=False, choices=_countries, widget=UnfoldAdminSelect2Widget)
    state = forms.ChoiceField(
        required=False,
        choices=_states,
        widget=UnfoldAdminSelect2Widget,
        help_text="For contacts in the USA, or whose country is unknown.",
    )

    # Whether the user may know who else has an email.
    may_name_others = False

    def clean_email(self):
        # The constraint cannot check itself here: it depends on a field that is not in the form.
        email = self.cleaned_data["email"]
        other = Contact.objects.with_email(email).exclude(pk=self.instance.pk).first()
        if email and other is not None:
            raise ValidationError(self._taken_by(other))
        if email and "email" in self.changed_data and are_erased(emails=[email]):
            raise ValidationError(str(NameErased()))
        return email

    def _taken_by(self, other: Contact) -> str:
        if not self.may_name_others:
            return "Another contact has this email."
        return format_html(
            "Another contact has this email: {}. "
            "If the two are one person, merge them from the list of contacts.",
            link_to(other),
        )

    def clean_birthday(self):
        birthday = self.cleaned_data["birthday"]
        if birthday and "birthday" in self.changed_data and not is_credible_birthday(birthday):
            raise ValidationError(
                f"A birthday is not in the future or before {EARLIEST_BIRTHDAY.year}."
            )
        return birthday

    def clean(self):
        super().clean()
        cleaned = self.cleaned_data
        if cleaned.get("state") and not may_have_state(cleaned.get("country", "")):
            self.add_error("state", "Only contacts in the USA have a state.")
        return cleaned
