"""Values as the admin shows them. Everything is escaped; nothing that was sent becomes a link."""

import json
import re
from collections.abc import Iterable
from datetime import datetime

from django.db.models import Model
from django.template.defaultfilters import date as format_date
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

EMPTY = "-"

_INVISIBLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")

_SHOWN_CHARACTERS = 200
_TITLE_CHARACTERS = 2000

# Unfold's labels, but with the letters as they are written, and cut where there is no room.
_BADGE = (
    "align-middle font-semibold h-5 inline-block leading-5 max-w-full px-1.5 rounded-default "
    "text-[11px] truncate"
)
_BADGES = {
    "neutral": "bg-base-500/8 text-base-700 dark:bg-base-500/20 dark:text-base-200",
    "info": "bg-blue-100 text-blue-700 dark:bg-blue-500/20 dark:text-blue-400",
    "good": "bg-green-100 text-green-700 dark:bg-green-500/20 dark:text-green-400",
    "warning": "bg-orange-100 text-orange-700 dark:bg-orange-500/20 dark:text-orange-400",
    "bad": "bg-red-100 text-red-700 dark:bg-red-500/20 dark:text-red-400",
    "primary": "bg-primary-100 text-primary-700 dark:bg-primary-500/20 dark:text-primary-400",
}


def badge(text: object, kind: str = "neutral") -> SafeString:
    """A small coloured label; `kind` is one of neutral, info, good, warning, bad, primary."""
    return format_html('<span class="{} {}">{}</span>', _BADGE, _BADGES[kind], text)


def shortened(text: str) -> SafeString | str:
    """Text on one line, cut to the width there is, whole in the tooltip."""
    if not text:
        return EMPTY
    return format_html(
        '<span class="tl-short truncate" title="{}">{}</span>',
        text[:_TITLE_CHARACTERS],
        text[:_SHOWN_CHARACTERS],
    )


def copyable(text: object) -> SafeString:
    """A code with a button that copies it."""
    return format_html(
        '<span class="tl-copyable"><code>{0}</code>'
        '<button type="button" class="tl-copy" data-copy="{0}" title="Copy" aria-label="Copy">'
        '<span class="material-symbols-outlined" aria-hidden="true">content_copy</span>'
        "</button></span>",
        text,
    )


def moment(at: datetime | None, *, seconds: bool = False) -> SafeString | str:
    """A time in the zone of the user; the tooltip has the seconds and the zone in any case."""
    if at is None:
        return EMPTY
    local = timezone.localtime(at)
    return format_html(
        '<time datetime="{}" title="{}" class="whitespace-nowrap">{}</time>',
        local.isoformat(),
        format_date(local, "l, j F Y, H:i:s T"),
        format_date(local, "j M Y, H:i:s" if seconds else "j M Y, H:i"),
    )


def link(url: str, text: object) -> SafeString:
    """A link to another page of the admin."""
    return format_html('<a href="{}" class="font-medium text-link">{}</a>', url, text)


def link_to(instance: Model | None, text: object = None) -> SafeString | str:
    """A link to the admin page of `instance`, by its name or by `text`."""
    if instance is None:
        return EMPTY
    return link(change_url(instance), str(instance) if text is None else text)


def change_url(instance: Model) -> str:
    """The address of the admin page of `instance`."""
    meta = instance._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[instance.pk])


def changelist_url(model: type[Model], query: str = "") -> str:
    """The address of the admin's list of `model`."""
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    return f"{url}?{query}" if query else url


def pretty_json(value: object) -> SafeString:
    """A JSON value, one member a line."""
    return preformatted(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def preformatted(text: str) -> SafeString:
    """Text as it is, line breaks included; what cannot be shown appears as its escape."""
    return format_html('<pre class="tl-code">{}</pre>', visible(text))


def visible(text: str) -> str:
    """Text with the escapes of what cannot be shown in its place."""
    # Lone surrogates, which JSON can hold, have no place in a page of UTF-8.
    text = text.encode(errors="backslashreplace").decode()
    return _INVISIBLE.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


def field_table(rows: Iterable[tuple[object, object]]) -> SafeString:
    """Names and values, one pair a line."""
    body = format_html_join("", "<tr><th>{}</th><td>{}</td></tr>", rows)
    return format_html('<table class="tl-fields">{}</table>', body)
