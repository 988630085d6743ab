"""Fields of the form that are drawn: names, headers, and the mapping of a body."""

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import INPUT_CLASSES, SELECT_CLASSES

from destinations.mapping import InvalidMapping, read_mapping
from destinations.texts import UNSTORABLE, is_storable
from groups.admin.forms import RuleField
from groups.models import rule_for_everybody

# What users draw is shorter.
_LONGEST = 200_000
_MOST_NAMES = 500
_LONGEST_NAME = 250
_MOST_HEADERS = 50
_ROW = re.compile(r"\[(\d{1,4})\]")
_NO_JSON = "This was not sent as it was drawn. Load the page anew, and try again."


class DrawnWidget(forms.HiddenInput):
    """A hidden field, and the Alpine component that draws and writes it."""

    # A hidden field would have no row of the form.
    input_type = "drawn"
    # What the component is told.
    given: dict[str, Any] = {}

    class Media:
        css = {"all": ("groups/builder.css", "destinations/destinations.css")}
        js = ("adminsite/editing.js", "destinations/form.js")

    @property
    def is_hidden(self) -> bool:
        return False

    def tell(self, **given: Any) -> None:
        """Tell the component this, too. Copies of a widget share what was told before."""
        self.given = {**self.given, **given}

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        identifier = context["widget"]["attrs"].get("id", name)
        context["widget"] |= {
            "drawn": {"value": _readable(value), **self.given},
            "drawn_id": f"{identifier}-drawn",
            "input_class": " ".join(INPUT_CLASSES),
            "select_class": " ".join(SELECT_CLASSES),
        }
        return context


class NamesWidget(DrawnWidget):
    """Names, each with a button that takes it away, and a box that adds one."""

    template_name = "destinations/names.html"


class HeadersWidget(DrawnWidget):
    """Rows of a name and a value; values that are kept already do not come back to the page."""

    template_name = "destinations/headers.html"


class MappingWidget(DrawnWidget):
    """Rows of what stands where in a body, and an example of it."""

    template_name = "destinations/mapping.html"


class DrawnField(ABC, forms.Field):
    """What a browser sends as JSON."""

    hidden_widget = forms.HiddenInput

    def tell(self, **given: Any) -> None:
        """Tell the component that draws the field this, too."""
        widget = self.widget
        assert isinstance(widget, DrawnWidget)
        widget.tell(**given)

    def prepare_value(self, value: Any) -> Any:
        return value if isinstance(value, str) else json.dumps(value)

    def to_python(self, value: Any) -> Any:
        return self.read(_json_of(value))

    @abstractmethod
    def read(self, given: Any) -> Any:
        """The value of the field, of what the browser has drawn.

        :raises ValidationError: if it is none
        """

    def has_changed(self, initial: Any, data: Any) -> bool:
        return self._normal(initial) != self._normal(data)

    def _normal(self, value: Any) -> Any:
        try:
            return self.read(_json_of(value) if isinstance(value, str) else value)
        except ValidationError:
            return value

    def shown_as(self, value: Any) -> str:
        """It in a few words, for users whose page had another value."""
        return ", ".join(value or ())


class NamesField(DrawnField):
    """A list of names, each once, in the order in which they were chosen."""

    widget = NamesWidget

    def __init__(self, noun: str, *, may_be_new: bool = False, **kwargs: Any):
        super().__init__(required=False, initial=list, **kwargs)
        self.tell(noun=noun, mayBeNew=may_be_new, offered=[])

    def offer(self, names: Sequence[tuple[str, str]], unseen: Sequence[str] = ()) -> None:
        """Offer these pairs of a code name and a name; of `unseen` none has been recorded yet."""
        self.tell(offered=list(names), unseen=list(unseen))

    def read(self, given: Any) -> list[str]:
        is_list = isinstance(given, list) and all(isinstance(one, str) for one in given)
        if not is_list or len(given) > _MOST_NAMES:
            raise ValidationError(_NO_JSON, code="invalid")
        names = list(dict.fromkeys(one.strip() for one in given if one.strip()))
        for name in names:
            if not is_storable(name):
                raise ValidationError(UNSTORABLE)
            if len(name) > _LONGEST_NAME:
                raise ValidationError("“%(name)s” is no name.", params={"name": name[:50]})
        return names


class HeadersField(DrawnField):
    """Headers by their names; None stands for the value that is kept already."""

    widget = HeadersWidget

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, dict):
            # A value may be a credential: it stays where it is.
            value = [{"name": name, "value": None} for name in value]
        return super().prepare_value(value)

    def read(self, given: Any) -> dict[str, str | None]:
        if isinstance(given, dict):
            return dict.fromkeys(given)
        if not isinstance(given, list) or len(given) > _MOST_HEADERS:
            raise ValidationError(_NO_JSON, code="invalid")
        return dict(_header(row) for row in given)


class MappingField(DrawnField):
    """What stands where in a body; None is the message as the hub has it."""

    widget = MappingWidget

    def read(self, given: Any) -> list[dict[str, Any]] | None:
        if given is None:
            return None
        try:
            return read_mapping(given)
        except InvalidMapping as error:
            self.tell(invalid=error.path)
            raise ValidationError(said_of_mapping(error), code="invalid") from None

    def shown_as(self, value: Any) -> str:
        rows = value if isinstance(value, list) else []
        names = [str(row.get("to")) for row in rows if isinstance(row, dict)]
        return ", ".join(names) or "the message as the hub has it"


class OptionalRuleField(RuleField):
    """A rule; one without a condition is none."""

    def prepare_value(self, value: Any) -> Any:
        return super().prepare_value(rule_for_everybody() if value is None else value)

    def to_python(self, value: Any) -> Any:
        rule = super().to_python(value)
        return None if rule == rule_for_everybody() else rule

    def has_changed(self, initial: Any, data: Any) -> bool:
        everybody = rule_for_everybody()
        return super().has_changed(
            everybody if initial is None else initial, everybody if data is None else data
        )

    def shown_as(self, value: Any) -> str:
        return "no rule" if value is None else super().shown_as(value)


def _header(row: Any) -> tuple[str, str | None]:
    if not isinstance(row, dict) or not isinstance(row.get("name"), str):
        raise ValidationError(_NO_JSON, code="invalid")
    name, value = row["name"].strip(), row.get("value")
    if not name:
        raise ValidationError("A header needs a name, such as Authorization.")
    if value is not None and not isinstance(value, str):
        raise ValidationError(_NO_JSON, code="invalid")
    return name, value


def said_of_mapping(error: InvalidMapping) -> str:
    """What is wrong with a mapping, and in which row, counted as users count."""
    place = _ROW.match(error.path)
    return f"Field {int(place[1]) + 1}: {error.detail}" if place else error.detail


def _json_of(text: Any) -> Any:
    if not isinstance(text, str) or not text or len(text) > _LONGEST:
        raise ValidationError(_NO_JSON, code="invalid")
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise ValidationError(_NO_JSON, code="invalid") from None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number.")


def _readable(value: Any) -> Any:
    """What the component draws; what cannot be read is drawn as nothing."""
    try:
        return _json_of(value)
    except ValidationError:
        return None
