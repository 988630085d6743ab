"""The forms of a request: how it comes in, and what a user does about it."""

from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from consents.models import Consent
from contacts.models import Contact
from privacy.models import PersonRequest
from privacy.models.requests import LONGEST_NOTE
from privacy.requests.due import FIRST_DAY, today

_LONGEST_TERM = 400
_STAYS = "It goes when the person is erased."


class DayField(forms.DateField):
    """A day, by the browser's own calendar."""

    def __init__(self, **kwargs: Any):
        super().__init__(input_formats=["%Y-%m-%d"], **kwargs)
        self.widget = UnfoldAdminTextInputWidget(attrs={"type": "date"})
        self.widget.is_required = self.required

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        # Neither is there a request from before the GDPR.
        return {"min": FIRST_DAY.isoformat()}


class ChoiceOf(forms.ChoiceField):
    """One of some choices, of which none is chosen at first."""

    def __init__(self, choices: Any, **kwargs: Any):
        offered = [("", "Choose …"), *choices.choices]
        super().__init__(choices=offered, widget=UnfoldAdminSelectWidget, **kwargs)


def text_field(label: str, help_text: str = _STAYS, *, required: bool = False) -> forms.CharField:
    """What a user writes about a request."""
    return forms.CharField(
        label=label,
        required=required,
        max_length=LONGEST_NOTE,
        help_text=help_text,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
    )


class ReceiveForm(forms.Form):
    """What came, from whom, how and when."""

    kind = forms.ChoiceField(
        label="What do they ask for?",
        choices=[
            (PersonRequest.Kind.ACCESS, "Access: which data do you keep about me?"),
            (PersonRequest.Kind.PORTABILITY, "Portability: my data, for another system"),
            (PersonRequest.Kind.ERASURE, "Erasure: forget me"),
            (PersonRequest.Kind.OBJECTION, "Objection to direct marketing"),
        ],
        widget=UnfoldAdminRadioSelectWidget,
    )
    who = forms.CharField(
        label="Who?",
        required=False,
        max_length=_LONGEST_TERM,
        help_text="An email, a name, a GUID, or an identifier of another system. An email that the "
        "hub does not know is registered as well.",
        widget=UnfoldAdminTextInputWidget(attrs={"type": "search", "autocomplete": "off"}),
    )
    way = ChoiceOf(PersonRequest.Way, label="How did it come?")
    received_on = DayField(
        label="Received on", initial=today, help_text="The month runs from this day."
    )
    notes = text_field("Notes", f"What they wrote, in short. {_STAYS}")


class IdentityForm(forms.Form):
    """How a user has made sure who asks."""

    proof = ChoiceOf(PersonRequest.Proof, label="How was it checked?")
    text = text_field("Note", f"Copy no numbers of documents. {_STAYS}")


class TextForm(forms.Form):
    """A note that may be left out."""

    text = text_field("Note")


class NoteForm(forms.Form):
    """A note."""

    text = text_field("Note", required=True)


class ExtendForm(forms.Form):
    """By how much, why, and when the person was told."""

    months = forms.TypedChoiceField(
        label="By",
        coerce=int,
        choices=[(1, "one month"), (2, "two months")],
        initial=2,
        widget=UnfoldAdminSelectWidget,
    )
    ground = ChoiceOf(PersonRequest.ExtensionGround, label="Why?")
    told_on = DayField(label="The person was told on", initial=today)


class CorrectForm(forms.Form):
    """When and how it came, if that was entered wrongly."""

    received_on = DayField(label="Received on")
    way = ChoiceOf(PersonRequest.Way, label="How did it come?")


class RefuseForm(forms.Form):
    """Why what the person asks for is not done."""

    ground = ChoiceOf(PersonRequest.RefusalGround, label="Why?")
    text = text_field("Note")


class ContactForm(forms.Form):
    """Who the unknown person of a request is."""

    contact = forms.ModelChoiceField(
        Contact.objects.all(),
        widget=forms.HiddenInput,
        error_messages={"invalid_choice": "This contact was erased meanwhile."},
    )


class ObjectionForm(forms.Form):
    """What an objection stops."""

    consents = forms.ModelMultipleChoiceField(
        Consent.objects.all(),
        required=False,
        label="Revoke",
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )
    suppresses = forms.BooleanField(
        label="No more emails to this address",
        required=False,
        initial=True,
        help_text="Transactional ones neither. To allow these, leave it out: emails that need a "
        "consent are stopped by the revocation.",
        widget=UnfoldBooleanWidget,
    )


class EraseForm(forms.Form):
    """Why a person is erased, and that it is meant: the user types who it is.

    :ivar expected: what has to be typed
    """

    shown = forms.CharField(widget=forms.HiddenInput)
    ground = ChoiceOf(PersonRequest.ErasureGround, label="Why?")
    typed = forms.CharField(
        label="Type this to confirm",
        max_length=_LONGEST_TERM,
        widget=UnfoldAdminTextInputWidget(
            attrs={"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}
        ),
    )

    def __init__(self, *args: Any, expected: str, has_ground: bool = True, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.expected = expected
        self.fields["typed"].label = f"Type “{expected}” to confirm"
        if not has_ground:
            del self.fields["ground"]

    def clean_typed(self) -> str:
        typed = self.cleaned_data["typed"].strip()
        if typed.lower() != self.expected.lower():
            raise forms.ValidationError(f"This is not “{self.expected}”. Type it as it is there.")
        return typed
