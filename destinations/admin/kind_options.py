"""What each kind of destination needs to know besides, as fields of the form."""

from collections.abc import Iterator
from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminTextInputWidget

from destinations.kinds import Option, kinds
from destinations.models import Destination

_LONGEST = 2_000


def each_option() -> Iterator[tuple[str, str, Option]]:
    """The name of the field, the type of destinations, and the option, of all kinds."""
    for type_, kind in kinds().items():
        for option in kind.options:
            yield f"{type_}_{option.name}", type_, option


def option_fields() -> dict[str, forms.CharField]:
    """The fields by their names; those of secrets come back empty."""
    return {name: _field(option) for name, _, option in each_option()}


def conditions() -> dict[str, str]:
    """Which fields the page shows, by the kind that is chosen."""
    shown = {name: f"type == '{type_}'" for name, type_, _ in each_option()}
    with_url = [type_ for type_, kind in kinds().items() if kind.has_url]
    shown["url"] = _one_of(with_url)
    drawable = [type_ for type_, kind in kinds().items() if kind.has_mapping]
    return shown | dict.fromkeys(("method", "headers"), _one_of(drawable))


def default_urls() -> dict[str, str]:
    """The address that is meant if none is given, by kind."""
    return {type_: kind.default_url for type_, kind in kinds().items() if kind.default_url}


def fill(form: forms.ModelForm) -> None:
    """Have the fields say what the destination has, and which secrets it has already."""
    destination: Destination = form.instance
    for name, type_, option in each_option():
        if name not in form.fields:
            continue
        kept = _kept(destination, option) if destination.type == type_ else ""
        if not option.is_secret:
            form.initial[name] = kept
        elif kept:
            field = form.fields[name]
            field.help_text = f"{option.help_text} It is set, and is not shown again: leave this "
            field.help_text += "empty to keep it."


def read(form: forms.ModelForm, cleaned: dict[str, Any]) -> None:
    """Give the destination of `form` what its kind has been told, and say what is missing."""
    destination: Destination = form.instance
    type_ = cleaned.get("type", destination.type)
    is_same = destination.pk is not None and destination.type == type_
    # What no field is for stays, such as what another version of the hub has set.
    options = dict(destination.options or {}) if is_same else {}
    credentials = dict(destination.credentials or {}) if is_same else {}
    for name, of, option in each_option():
        if of != type_ or name not in cleaned:
            continue
        given = cleaned[name]
        kept = credentials if option.is_secret else options
        if given or not option.is_secret:
            kept[option.name] = given
        if not kept.get(option.name):
            kept.pop(option.name, None)
            if option.is_required:
                form.add_error(name, "Fill this in: the destination does not work without it.")
    destination.options, destination.credentials = options, credentials


def kept_secrets(form: forms.ModelForm) -> list[str]:
    """What users call the credentials that the destination of `form` had and keeps."""
    destination: Destination = form.instance
    return [
        option.title
        for name, of, option in each_option()
        if of == destination.type
        and option.is_secret
        and not form.cleaned_data.get(name)
        and _kept(destination, option)
    ]


def _one_of(types: list[str]) -> str:
    return " || ".join(f"type == '{type_}'" for type_ in types) or "false"


def _field(option: Option) -> forms.CharField:
    widget: forms.Widget = UnfoldAdminTextInputWidget()
    if option.is_secret:
        widget = UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"})
    return forms.CharField(
        label=option.title[:1].upper() + option.title[1:],
        help_text=option.help_text,
        max_length=_LONGEST,
        required=False,
        widget=widget,
    )


def _kept(destination: Destination, option: Option) -> str:
    kept = destination.credentials if option.is_secret else destination.options
    return str((kept or {}).get(option.name) or "")
