"""The form in which marketers edit a contact."""

from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import format_html
from unfold.widgets import UnfoldAdminSelect2Widget

from adminsite.formatting import link_to
from contacts.birthdays import EARLIEST_BIRTHDAY, is_credible_birthday
from contacts.models import Contact
from contacts.places import country_names, state_names


def _countries() -> list[tuple[str, str]]:
    return [("", "Unknown"), *country_names().items()]


def _states() -> list[tuple[str, str]]:
    return [("", "None"), *state_names().items()]


class ContactForm(forms.ModelForm):
    """All fields of a contact, with names of countries and states in place of their codes."""

    country = forms.ChoiceField(required=False, choices=_countries, widget=UnfoldAdminSelect2Widget)
    state = forms.ChoiceField(
        required=False,
        choices=_states,
        widget=UnfoldAdminSelect2Widget,
        help_text="For contacts in the USA, or whose country is unknown.",
    )

    def clean_email(self):
        # The constraint cannot check itself here: it depends on a field that is not in the form.
        email = self.cleaned_data["email"]
        other = Contact.objects.with_email(email).exclude(pk=self.instance.pk).first()
        if email and other is not None:
            raise ValidationError(
                format_html(
                    "Another contact has this email: {}. "
                    "If the two are one person, merge them from the list of contacts.",
                    link_to(other),
                )
            )
        return email

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
        if cleaned.get("state") and cleaned.get("country") not in ("", "USA"):
            self.add_error("state", "Only contacts in the USA have a state.")
        return cleaned
