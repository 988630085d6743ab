"""The form of a destination: its kind decides what is asked."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef
from django.db.models.functions import Lower
from unfold.widgets import UnfoldAdminRadioSelectWidget, UnfoldAdminTextInputWidget

from activities.models import Activity, ActivityType
from adminsite.stale import SeenValuesForm
from consents.models import Consent
from contacts.models import Contact
from contacts.profile import FIELDS
from destinations.admin import kind_options
from destinations.admin.widgets import (
    HeadersField,
    MappingField,
    NamesField,
    OptionalRuleField,
    said_of_mapping,
)
from destinations.headers import secret_headers
from destinations.kinds import InvalidDestination, kinds
from destinations.mapping import InvalidMapping
from destinations.models import Destination
from destinations.moving import check_move
from destinations.saving import check_destination
from groups.admin.forms import said
from groups.models import ContactGroup
from groups.rules import InvalidRule

ALL, SOME = "all", "some"
# The email has a choice of its own.
_CHOSEN_FIELDS = tuple(name for name in FIELDS if name != "email")


class DestinationForm(SeenValuesForm):
    """A destination. `form_class` adds the field “fields”, and what kinds need besides."""

    activities = NamesField(
        "activity type",
        may_be_new=True,
        label="Activities of these types",
        help_text="A type that no event has brought yet may be typed, too.",
    )
    groups = NamesField("group", label="Who enters or leaves these groups")
    consents = NamesField("consent", label="Answers to these consents")
    which_fields = forms.ChoiceField(
        label="Fields of contacts",
        choices=[(ALL, "All fields that a contact has"), (SOME, "Only these:")],
        initial=ALL,
        widget=UnfoldAdminRadioSelectWidget,
    )
    rule = OptionalRuleField(required=False, label="Only contacts who meet this rule")
    headers = HeadersField(
        required=False,
        initial=dict,
        help_text="Sent along with each message. A value is not shown again once it is saved.",
    )
    mapping = MappingField(required=False, label="What a message looks like")

    # Why saving was refused after the form had found nothing.
    refused: ValidationError | None = None
    # The headers whose values were not entered, for they are kept.
    _kept_headers: Sequence[str] = ()

    class Meta:
        model = Destination
        fields = (
            *("name", "code_name", "type", "enabled", "dry"),
            *("activities", "groups", "consents", "changes", "rule"),
            *("consent", "email", "fields", "url", "method", "headers", "mapping"),
        )
        widgets = {"url": UnfoldAdminTextInputWidget(attrs={"inputmode": "url"})}

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self._url_before = self.instance.url
        # Users who may only look have none of the fields.
        if "type" in self.fields:
            known = kinds()
            choices = [one for one in Destination.Type.choices if one[0] in known]
            self.fields["type"].choices = choices  # type: ignore[attr-defined]
            self.fields["consent"].empty_label = "None: nobody is asked"  # type: ignore[attr-defined]
            self.initial["which_fields"] = ALL if self.instance.fields is None else SOME
            self.initial["fields"] = self.instance.fields or []
            kind_options.fill(self)

    def offer(self) -> None:
        """Offer the names of what there is, for a page."""
        types = _types()
        self._names("activities").offer(
            [(code_name, name) for code_name, name, _ in types],
            [code_name for code_name, _, is_seen in types if not is_seen],
        )
        self._names("groups").offer(_named(ContactGroup))
        self._names("consents").offer(_named(Consent))
        self._names("fields").offer([(name, _label(name)) for name in _CHOSEN_FIELDS])

    def _names(self, name: str) -> NamesField:
        field = self.fields[name]
        assert isinstance(field, NamesField)
        return field

    def clean_headers(self) -> dict[str, str]:
        """The headers, with the values that are kept."""
        kept = self.instance.headers or {}
        given = self.cleaned_data["headers"]
        self._kept_headers = [name for name, value in given.items() if value is None]
        return {
            name: kept.get(name, "") if value is None else value for name, value in given.items()
        }

    def clean_fields(self) -> list[str]:
        """The fields in the order of contacts; refuses what is none."""
        chosen = self.cleaned_data["fields"]
        for name in chosen:
            if name not in _CHOSEN_FIELDS:
                raise ValidationError("A contact has no field “%(name)s”.", params={"name": name})
        return [name for name in _CHOSEN_FIELDS if name in chosen]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        is_all = cleaned.get("which_fields") == ALL
        cleaned["fields"] = None if is_all else cleaned.get("fields") or []
        self._leave_out_what_the_kind_has_not(cleaned)
        kind_options.read(self, cleaned)
        if self.refused is not None:
            self.refuse(self.refused)
        return cleaned

    def _refuse_to_move_secrets(self) -> None:
        """Refuse another server for what users cannot read: they could send it to their own."""
        headers = [name for name in self._kept_headers if name in (self.instance.headers or {})]
        kept = [*secret_headers(headers), *kind_options.kept_secrets(self)]
        check_move(self._url_before, self.instance.url, kept)

    def _leave_out_what_the_kind_has_not(self, cleaned: dict[str, Any]) -> None:
        """Empty the fields that the page does not show, but may still hold something."""
        kind = kinds().get(cleaned.get("type", ""))
        if kind is None:
            return
        if not kind.has_mapping:
            cleaned |= {"headers": {}, "mapping": None, "method": Destination.Method.POST}
            self.instance.secret = ""
        if not kind.has_url:
            cleaned["url"] = ""

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if not self.errors:
            try:
                check_destination(self.instance)
                self._refuse_to_move_secrets()
            except ValidationError as error:
                self.refuse(error)

    def refuse(self, error: ValidationError) -> None:
        """Say at its field what is wrong."""
        cause = error.__cause__
        if isinstance(cause, InvalidRule):
            self.fields["rule"].widget.invalid = cause
            self.add_error("rule", ValidationError(said(cause), code="invalid"))
        elif isinstance(cause, InvalidDestination):
            self._refuse_member(cause)
        else:
            is_of_fields = set(getattr(error, "error_dict", ())) <= set(self.fields)
            self.add_error(None, error if is_of_fields else error.messages)

    def _refuse_member(self, error: InvalidDestination) -> None:
        name, detail = error.member, error.detail
        if name in ("options", "credentials"):
            name = f"{self.instance.type}_{error.path}"
        elif name == "mapping":
            detail = said_of_mapping(InvalidMapping(error.path, error.detail))
            self.fields["mapping"].tell(invalid=error.path)  # type: ignore[attr-defined]
        self.add_error(name if name in self.fields else None, detail)


@cache
def form_class() -> type[DestinationForm]:
    """The form, with the fields of what the kinds need besides."""
    # In the body of a class, “fields” would stand for all fields of a form.
    more = {"fields": NamesField("field", label="Which fields"), **kind_options.option_fields()}
    return type("DestinationForm", (DestinationForm,), more)


def _types() -> list[tuple[str, str, bool]]:
    """The code names and names of all activity types, and whether any activity is of each."""
    seen = Exists(Activity.objects.filter(type=OuterRef("pk")))
    types = ActivityType.objects.order_by(Lower("name")).annotate(is_seen=seen)
    return list(types.values_list("code_name", "name", "is_seen"))


def _named(model: Any) -> list[tuple[str, str]]:
    rows = model.objects.order_by(Lower("name"))
    return list(rows.values_list("code_name", "name"))


def _label(name: str) -> str:
    label = str(Contact._meta.get_field(name).verbose_name)  # type: ignore[union-attr]
    return label[0].upper() + label[1:]
