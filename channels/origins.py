"""Allowed origins: which web pages may call from a browser."""

import re

from django import forms
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models

from web.hosts import read_web_address

_SEPARATORS = re.compile(r"[\s;,]+")
_SCHEMES = ("http", "https")


def split_origins(value: object) -> list[str]:
    """The origins in `value`: a list, or text with one a line or separated by `;`, `,` or space.

    They are as browsers write them; what is no origin stays as it is.
    """
    parts = _SEPARATORS.split(value) if isinstance(value, str) else list(value or [])  # type: ignore[call-overload]
    return list(dict.fromkeys(_as_browsers_write(part.strip()) for part in parts if part.strip()))


def _as_browsers_write(origin: str) -> str:
    origin = origin.rstrip("/").lower()
    try:
        return str(read_web_address(origin))
    except ValueError:
        return origin


def validate_origin(origin: str) -> None:
    """Accept `*`, a domain (`app.example.com`) or an origin (`https://app.example.com:8443`)."""
    if origin == "*":
        return
    try:
        address = read_web_address(origin)
        well_formed = str(address) == origin and (
            address.scheme in _SCHEMES or not (address.scheme or address.port)
        )
    except ValueError:
        well_formed = False
    if not well_formed:
        raise ValidationError(
            "“%(origin)s” is not an origin. Write https://app.example.com without a path, "
            "a domain such as app.example.com, or *.",
            params={"origin": origin},
        )


def origin_matches(origin: str, allowed_origins: list[str]) -> bool:
    """Whether a browser's `Origin` is one of `allowed_origins` (a domain: by http and https)."""
    origin = origin.lower()
    scheme, _, rest = origin.partition("://")
    host = rest if scheme in _SCHEMES else ""
    return any(allowed == "*" or allowed in (origin, host) for allowed in allowed_origins)


class OriginsFormField(forms.CharField):
    """One origin a line."""

    def __init__(self, **kwargs):
        kwargs.setdefault("widget", forms.Textarea(attrs={"rows": 4}))
        super().__init__(**kwargs)

    def prepare_value(self, value):
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value):
        return split_origins(value)

    def has_changed(self, initial, data):
        return split_origins(initial) != split_origins(data)


class OriginsField(ArrayField):
    """A list of origins; text is split, and each is checked by `validate_origin`."""

    def __init__(self, **kwargs):
        kwargs["base_field"] = models.TextField(validators=[validate_origin])
        super().__init__(**kwargs)

    def deconstruct(self):
        name, path, args, kwargs = super().deconstruct()
        del kwargs["base_field"]
        return name, path, args, kwargs

    def get_db_prep_value(self, value, connection, prepared=False):
        return super().get_db_prep_value(split_origins(value), connection, prepared)

    def to_python(self, value):
        return split_origins(value)

    def formfield(self, **kwargs):  # type: ignore[override]
        return models.Field.formfield(self, **{**kwargs, "form_class": OriginsFormField})
