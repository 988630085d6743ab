"""The texts of a consent: cleaned when saved, versioned, found by language."""

from collections.abc import Iterator

import nh3
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from consents.models import Consent, ConsentText

# Longer than any language tag that has a text: what is beyond costs nothing.
_LONGEST_TAG = 100


def clean_html(html: str) -> str:
    """`html` without anything that could run or load in the page of whoever shows it."""
    return nh3.clean(
        html,
        tags={"a", "b", "blockquote", "br", "em", "h2", "h3", "h4", "hr", "i", "li", "ol", "p"}
        | {"small", "span", "strong", "sub", "sup", "table", "tbody", "td", "th", "thead", "tr"}
        | {"u", "ul"},
        attributes={"a": {"href", "title", "target"}},
        url_schemes={"http", "https", "mailto", "tel"},
    )


@transaction.atomic
def save_text(
    consent: Consent, *, language: str, short_text: str, full_text: str = ""
) -> ConsentText:
    """Make this the current text in `language`: a new version if it differs from the present one.

    The HTML is cleaned. Earlier versions stay, since people have agreed to them.
    """
    language = language.replace("_", "-")
    Consent.objects.select_for_update(no_key=True).get(pk=consent.pk)
    short_text, full_text = clean_html(short_text), clean_html(full_text)
    spellings = Q(language__iexact=language) | Q(language__iexact=language.replace("-", "_"))
    versions = consent.texts.filter(spellings).order_by("-version")
    latest = versions.first()
    if (
        latest
        and latest.superseded_at is None
        and (latest.short_text, latest.full_text) == (short_text, full_text)
    ):
        return latest
    versions.filter(superseded_at__isnull=True).update(superseded_at=timezone.now())
    return consent.texts.create(
        language=language,
        short_text=short_text,
        full_text=full_text,
        version=latest.version + 1 if latest else 1,
    )


def withdraw_text(text: ConsentText) -> None:
    """Show this text to nobody any more; those who agreed to it keep it as their proof."""
    ConsentText.objects.filter(pk=text.pk, superseded_at__isnull=True).update(
        superseded_at=timezone.now()
    )


def find_text(consent: Consent, language: str = "") -> ConsentText | None:
    """The current text for `language`, else for the default language, else any.

    Either language falls back one subtag at a time: `zh-Hant-TW` to `zh-Hant`, then to `zh`.
    """
    current = {
        as_tag(text.language): text
        for text in consent.texts.filter(superseded_at__isnull=True).order_by("-language")
    }
    for candidate in (*_range_of(language), *_range_of(consent.default_language)):
        if candidate in current:
            return current[candidate]
    return next(reversed(current.values()), None)


def as_tag(language: str) -> str:
    """`language` as languages are compared: in lower case, with hyphens."""
    return language.strip().lower().replace("_", "-")


def _range_of(language: str) -> Iterator[str]:
    """The languages to look for, in order, if a request names `language` (RFC 4647, 3.4)."""
    subtags = as_tag(language)[:_LONGEST_TAG].split("-")
    while subtags:
        yield "-".join(subtags)
        subtags.pop()
        # What is left of an extension is its name, such as the x of de-x-formal.
        while subtags and len(subtags[-1]) == 1:
            subtags.pop()
