"""Allowed origins: which web pages may call from a browser."""

import re
from urllib.parse import urlsplit

from django import forms
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models

_SEPARATORS = re.compile(r"[\s;,]+")
_HOST = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")


def split_origins(value: object) -> list[str]:
    """The origins in `value`: a list, or text with one a line or separated by `;`, `,` or space."""
    parts = _SEPARATORS.split(value) if isinstance(value, str) else list(value or [])  # type: ignore[call-overload]
    return list(dict.fromkeys(part.strip().rstrip("/").lower() for part in parts if part.strip()))


def validate_origin(origin: str) -> None:
    """Accept `*`, a domain (`app.example.com`) or an origin (`https://app.example.com:8443`)."""
    if origin == "*" or _HOST.fullmatch(origin):
        return
    try:
        parts = urlsplit(origin)
        well_formed = (
            parts.scheme in ("http", "https")
            and bool(_HOST.fullmatch(parts.hostname or ""))
            and parts.netloc == origin.removeprefix(f"{parts.scheme}://")
            and "@" not in origin
            and (parts.port is None or parts.port > 0)
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
    """Whether a browser's `Origin` header is one of `allowed_origins` (a domain: any scheme)."""
    origin = origin.lower()
    host = origin.partition("://")[2]
    return any(allowed in ("*", origin, host) for allowed in allowed_origins)


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
