"""The form of an email template, with the builder of its blocks."""

import json
from collections.abc import Iterator
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.models import ModelChoiceIterator
from unfold.widgets import INPUT_CLASSES, SELECT_CLASSES

from adminsite.stale import SeenValuesForm
from automations.emails.blocks import InvalidTemplate, read_blocks
from automations.emails.saving import check_template
from automations.models import Template

# A hundred blocks with the longest texts are shorter.
_LONGEST = 3_000_000
_FIELDS = (
    *("name", "code_name", "consent", "subject", "preheader"),
    *("from_name", "from_email", "reply_to", "blocks", "open_consent", "click_consent"),
)
# What the form sends for a template without a consent: nobody makes one by overlooking the field.
TRANSACTIONAL = "transactional"
_MISSING = "The blocks were not sent. Load the page anew, and write them again."


def blocks_of(text: str) -> object:
    """The blocks that `text`, which a browser sent, says as JSON; they are not checked.

    :raises InvalidTemplate: if it says none
    """
    if not text:
        raise InvalidTemplate("", _MISSING)
    if len(text) > _LONGEST:
        raise InvalidTemplate("", "The blocks are longer than any email could be.")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidTemplate("", "These are no blocks: they cannot be read as JSON.") from None


class BlocksWidget(forms.HiddenInput):
    """The builder: cards that write the blocks into a hidden field, and what they come to."""

    template_name = "automations/templates/builder.html"
    # A hidden field would have no row of the form.
    input_type = "builder"

    # What the page gives: places to insert, where to ask, and what the user may do.
    offers: dict[str, object] = {}
    urls: dict[str, str] = {}
    invalid: InvalidTemplate | None = None

    class Media:
        css = {"all": ("groups/builder.css", "automations/template_builder.css")}
        js = (
            "adminsite/editing.js",
            "automations/template_text.js",
            "automations/template_builder.js",
        )

    @property
    def is_hidden(self) -> bool:
        return False

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        identifier = context["widget"]["attrs"].get("id", name)
        context["widget"] |= {
            "blocks": _readable(value),
            "blocks_id": f"{identifier}-blocks",
            "offers": self.offers,
            "offers_id": f"{identifier}-offers",
            "urls": self.urls,
            "invalid": self.invalid,
            "input_class": " ".join(INPUT_CLASSES),
            "select_class": " ".join(SELECT_CLASSES),
        }
        return context


def _readable(value: Any) -> list[Any]:
    """The blocks as the builder takes them; what cannot be read becomes an email without any."""
    try:
        found = json.loads(value or "")
    except (ValueError, RecursionError):
        return []
    return found if isinstance(found, list) else []


class BlocksField(forms.Field):
    """Blocks in their normal form; what a browser sends is JSON."""

    widget = BlocksWidget
    hidden_widget = forms.HiddenInput

    def prepare_value(self, value: Any) -> Any:
        return value if isinstance(value, str) else json.dumps(value)

    def to_python(self, value: Any) -> list[dict[str, Any]]:
        try:
            return read_blocks(blocks_of(value))
        except InvalidTemplate as error:
            self.widget.invalid = error
            raise ValidationError(said(error), code="invalid") from None

    def has_changed(self, initial: Any, data: Any) -> bool:
        return _normal(initial) != _normal(data)

    def shown_as(self, value: Any) -> str:
        """The blocks in a few words, for users whose page had others."""
        kinds = [str(block.get("type")) for block in value if isinstance(block, dict)]
        return ", ".join(kinds) or "no block"


class _Choices(ModelChoiceIterator):
    """The consents behind the choice of none."""

    def __iter__(self) -> Iterator[Any]:
        first, *others = super().__iter__()
        label = "Transactional: part of what a contact has asked for, such as a receipt or a file"
        yield from (first, (TRANSACTIONAL, label), *others)


class ConsentField(forms.ModelChoiceField):
    """The consent that an email needs, or that it needs none; either has to be chosen."""

    iterator = _Choices

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **{**kwargs, "required": True, "empty_label": "Choose one"})

    def clean(self, value: Any) -> Any:
        return None if value == TRANSACTIONAL else super().clean(value)


def _normal(blocks: Any) -> object:
    try:
        return read_blocks(blocks_of(blocks) if isinstance(blocks, str) else blocks)
    except InvalidTemplate:
        return blocks


def said(error: InvalidTemplate) -> str:
    """What is wrong with a block, and where, in words."""
    return f"{error.detail} ({error.path})" if error.path else error.detail


class TemplateForm(SeenValuesForm):
    """An email template."""

    blocks = BlocksField(required=False, initial=list, label="Blocks")

    # Why saving was refused after the form had found nothing.
    refused: ValidationError | None = None

    class Meta:
        model = Template
        fields = _FIELDS
        field_classes = {"consent": ConsentField}
        help_texts = {
            "consent": "Only contacts who agree to it get the email; its unsubscribe link takes "
            "the agreement back. A transactional email asks for no agreement and has no such link."
        }

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        if self._is_there and self.instance.is_transactional:
            self.initial["consent"] = TRANSACTIONAL

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        error = self.refused or (self._found(cleaned) if not self.errors else None)
        if error is not None:
            is_of_fields = set(getattr(error, "error_dict", ())) <= set(self.fields)
            self.add_error(None, error if is_of_fields else ValidationError(error.messages))
        return cleaned

    def _found(self, cleaned: dict[str, Any]) -> ValidationError | None:
        try:
            check_template(Template(**{name: cleaned[name] for name in _FIELDS if name in cleaned}))
        except ValidationError as error:
            return error
        return None
