"""The form of an automation; its trigger and its steps are drawn in the editor, as JSON."""

import json
from collections.abc import Callable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import UnfoldAdminTextareaWidget

from adminsite.stale import SeenValuesForm
from automations import steps as flow
from automations import triggers
from automations.admin.phrases import phrase_of_steps, phrase_of_trigger
from automations.models import Automation
from automations.models.automations import manual_trigger
from automations.steps import InvalidAutomation

# Two hundred steps with rules of a hundred conditions and the longest texts are shorter.
_LONGEST = 5_000_000
_MISSING = "The automation was not sent. Load the page anew, and draw it again."


def json_of(text: str, name: str) -> Any:
    """What a browser sent as JSON for the member `name`.

    :raises InvalidAutomation: if it is none
    """
    if len(text) > _LONGEST:
        raise InvalidAutomation(name, "This is longer than any that could be used.")
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise InvalidAutomation(name, "This cannot be read as JSON.") from None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number.")


def read_trigger(given: object) -> dict[str, Any]:
    """The normal form of a trigger.

    :raises InvalidAutomation: if it cannot be
    """
    return triggers.to_json(triggers.read_trigger(given))


def read_steps(given: object) -> list[dict[str, Any]]:
    """The normal form of steps.

    :raises InvalidAutomation: if one cannot be
    """
    return flow.to_json(flow.read_steps(given))


class DrawnField(forms.Field):
    """A part of an automation in its normal form; what a browser sends is JSON.

    :ivar invalid: what was wrong with what the browser sent, and where
    """

    widget = forms.HiddenInput
    invalid: InvalidAutomation | None = None

    def __init__(
        self, read: Callable[[object], Any], say: Callable[[Any], str], name: str, **kwargs: Any
    ):
        super().__init__(**kwargs)
        self._read, self._say, self._name = read, say, name

    def prepare_value(self, value: Any) -> Any:
        return value if isinstance(value, str) else json.dumps(value)

    def to_python(self, value: Any) -> Any:
        self.invalid = None
        try:
            if value in self.empty_values:
                raise InvalidAutomation("", _MISSING)
            return self._read(json_of(value, self._name))
        except InvalidAutomation as error:
            self.invalid = error
            raise ValidationError(said(error), code="invalid") from None

    def has_changed(self, initial: Any, data: Any) -> bool:
        return self._normal(initial) != self._normal(data)

    def shown_as(self, value: Any) -> str:
        """What it says, for users whose page had another one."""
        return self._say(value)

    def _normal(self, value: Any) -> object:
        try:
            return self._read(json_of(value, self._name) if isinstance(value, str) else value)
        except InvalidAutomation:
            return value


def said(error: InvalidAutomation) -> str:
    """What is wrong with an automation, and where, in words."""
    return f"{error.detail} ({error.path})" if error.path else error.detail


class AutomationForm(SeenValuesForm):
    """An automation. Whether contacts enter is decided on its page, after a look at whom."""

    trigger = DrawnField(
        read_trigger, phrase_of_trigger, "trigger", required=False, initial=manual_trigger
    )
    steps = DrawnField(read_steps, phrase_of_steps, "steps", required=False, initial=list)

    # Why saving was refused after the form had found nothing.
    refused: InvalidAutomation | ValidationError | None = None

    class Meta:
        model = Automation
        fields = ("name", "code_name", "description", "runs", "trigger", "steps")
        widgets = {"description": UnfoldAdminTextareaWidget(attrs={"rows": 2})}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if isinstance(self.refused, InvalidAutomation):
            name = self.refused.path.split(".")[0].split("[")[0]
            name = name if name in ("trigger", "steps") else "steps"
            self._drawn(name).invalid = self.refused
            self.add_error(name, ValidationError(said(self.refused), code="invalid"))
        elif self.refused is not None:
            names = set(getattr(self.refused, "error_dict", ()))
            is_of_fields = names <= set(self.fields)
            self.add_error(None, self.refused if is_of_fields else self.refused.messages)
        return cleaned

    @property
    def invalid(self) -> InvalidAutomation | None:
        """What is wrong with the trigger or a step, and where."""
        return self._drawn("trigger").invalid or self._drawn("steps").invalid

    def _drawn(self, name: str) -> DrawnField:
        field = self.fields[name]
        assert isinstance(field, DrawnField)
        return field
