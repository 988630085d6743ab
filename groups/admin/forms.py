"""The form of a contact group, with the builder of its rule."""

import json
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import INPUT_CLASSES, SELECT_CLASSES, UnfoldAdminTextareaWidget

from adminsite.stale import SeenValuesForm
from groups.models import ContactGroup, rule_for_everybody
from groups.ordering import check_cycle
from groups.rules import InvalidRule, Tree, parse, to_json
from groups.sentences import sentence

# A rule of 100 conditions with the longest texts is shorter.
_LONGEST = 500_000
_MISSING = "The rule was not sent. Load the page anew, and build it again."


def rule_of(text: str, *, of_run: bool = False) -> Tree:
    """The rule that `text`, which a browser sent, says as JSON.

    :param of_run: whether it is asked of runs of an automation
    :raises InvalidRule: if it says none
    """
    if len(text) > _LONGEST:
        raise InvalidRule("", "The rule is longer than any that could be used.")
    try:
        given = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise InvalidRule("", "This is no rule: it cannot be read as JSON.") from None
    return parse(given, of_run=of_run)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number.")


class RuleWidget(forms.HiddenInput):
    """The builder: cards that write the rule into a hidden field."""

    template_name = "groups/builder.html"
    # A hidden field would have no row of the form.
    input_type = "builder"

    # What the page gives: names to choose from, where to ask, and what is wrong with the rule.
    offers: dict[str, object] = {}
    preview_url = suggest_url = ""
    invalid: InvalidRule | None = None

    class Media:
        css = {"all": ("groups/builder.css",)}
        js = ("adminsite/editing.js", "groups/parts.js", "groups/builder.js")

    @property
    def is_hidden(self) -> bool:
        return False

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        identifier = context["widget"]["attrs"].get("id", name)
        context["widget"] |= {
            "rule": _readable(value),
            "rule_id": f"{identifier}-rule",
            "offers": self.offers,
            "offers_id": f"{identifier}-offers",
            "preview_url": self.preview_url,
            "suggest_url": self.suggest_url,
            "invalid": self.invalid,
            "input_class": " ".join(INPUT_CLASSES),
            "select_class": " ".join(SELECT_CLASSES),
        }
        return context


def _readable(value: Any) -> object:
    """The rule as the builder takes it; one that cannot be read becomes one without conditions."""
    try:
        found = json.loads(value or "", parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return rule_for_everybody()
    return found if isinstance(found, dict) else rule_for_everybody()


class RuleField(forms.Field):
    """A rule in its normal form; what a browser sends is JSON."""

    widget = RuleWidget
    hidden_widget = forms.HiddenInput

    def prepare_value(self, value: Any) -> Any:
        return value if isinstance(value, str) else json.dumps(value)

    def to_python(self, value: Any) -> dict[str, Any]:
        try:
            # Without conditions it would hold for everybody, which the builder says as JSON.
            if value in self.empty_values:
                raise InvalidRule("", _MISSING)
            return to_json(rule_of(value))
        except InvalidRule as error:
            self.widget.invalid = error
            raise ValidationError(said(error), code="invalid") from None

    def has_changed(self, initial: Any, data: Any) -> bool:
        return _normal(initial) != _normal(data)

    def shown_as(self, value: Any) -> str:
        """The rule as a sentence, for users whose page had another one."""
        try:
            return sentence(parse(value))
        except InvalidRule as error:
            return str(error)


def _normal(value: Any) -> object:
    """The normal form of a rule that is data or JSON; one that cannot be is as it was given."""
    try:
        return to_json(rule_of(value) if isinstance(value, str) else parse(value))
    except InvalidRule:
        return value


def said(error: InvalidRule) -> str:
    """What is wrong with a rule, and where, in words."""
    return f"{error.detail} ({error.path})" if error.path else error.detail


class GroupForm(SeenValuesForm):
    """A contact group; its rule counts if it is not static."""

    rule = RuleField(required=False, initial=rule_for_everybody)

    # Why saving was refused after the form had found nothing.
    refused: InvalidRule | ValidationError | None = None

    class Meta:
        model = ContactGroup
        fields = (
            "name",
            "code_name",
            "description",
            "enabled",
            "visible_to_websites",
            "static",
            "rule",
        )
        widgets = {"description": UnfoldAdminTextareaWidget(attrs={"rows": 2})}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if isinstance(self.refused, InvalidRule):
            self._refuse_rule(self.refused)
        elif self.refused is not None:
            names = set(getattr(self.refused, "error_dict", ()))
            is_of_fields = names <= set(self.fields)
            self.add_error(None, self.refused if is_of_fields else self.refused.messages)
        elif "rule" in cleaned:
            self._check_cycle(cleaned)
        return cleaned

    def _check_cycle(self, cleaned: dict[str, Any]) -> None:
        code_name = cleaned.get("code_name", self.instance.code_name)
        try:
            check_cycle(
                ContactGroup(pk=self.instance.pk, code_name=code_name), parse(cleaned["rule"])
            )
        except InvalidRule as error:
            self._refuse_rule(error)

    def _refuse_rule(self, error: InvalidRule) -> None:
        self.fields["rule"].widget.invalid = error
        self.add_error("rule", ValidationError(said(error), code="invalid"))
