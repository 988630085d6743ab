"""The texts of a consent: cleaned when saved, versioned, found by language."""

import re
from collections.abc import Iterable, Iterator, Sequence

import nh3
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from consents.models import Consent, ConsentText

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*")
# Longer than any language tag that has a text: what is beyond costs nothing.
_LONGEST_TAG = 100


def clean_html(html: str) -> str:
    """`html` without anything that could run or load in the page that shows it."""
    return nh3.clean(
        html,
        tags={"a", "b", "blockquote", "br", "em", "h2", "h3", "h4", "hr", "i", "li", "ol", "p"}
        | {"small", "span", "strong", "sub", "sup", "table", "tbody", "td", "th", "thead", "tr"}
        | {"u", "ul"},
        attributes={"a": {"href", "title", "target"}},
        url_schemes={"http", "https", "mailto", "tel"},
    )


def check_language(language: str) -> None:
    """Refuse what is no code of a language that a text can have.

    :raises ValidationError: if it is none
    """
    if not _LANGUAGE.fullmatch(language):
        raise ValidationError("Write a language code, such as en, de or pt-BR.")


def check_short_text(html: str) -> None:
    """Refuse a short text that says nothing.

    :raises ValidationError: if nothing is left of it once it is cleaned
    """
    if not clean_html(html).strip():
        raise ValidationError("Nothing is left of this text once it is cleaned.")


@transaction.atomic
def save_text(
    consent: Consent, *, language: str, short_text: str, full_text: str = ""
) -> ConsentText:
    """Make this the current text in `language`: a new version if it differs from the present one.

    The HTML is cleaned. Earlier versions stay, since people have agreed to them.
    """
    language = language.replace("_", "-")
    Consent.objects.select_for_update(no_key=True).get(pk=consent.pk)
    versions = versions_in(consent, language).order_by("-version")
    latest = versions.first()
    if latest and latest.superseded_at is None:
        known = (latest.short_text, latest.full_text)
        if known == (short_text, full_text):
            # As it is: cleaning may have other rules by now than when it was saved.
            return latest
        if known == (clean_html(short_text), clean_html(full_text)):
            return latest
    short_text, full_text = clean_html(short_text), clean_html(full_text)
    versions.filter(superseded_at__isnull=True).update(superseded_at=timezone.now())
    return consent.texts.create(
        language=language,
        short_text=short_text,
        full_text=full_text,
        version=latest.version + 1 if latest else 1,
    )


def versions_in(consent: Consent, language: str) -> QuerySet[ConsentText]:
    """All texts of a consent in exactly this language, in whatever spelling of its tag."""
    language = language.replace("_", "-")
    spellings = Q(language__iexact=language) | Q(language__iexact=language.replace("-", "_"))
    return consent.texts.filter(spellings)


def withdraw_text(text: ConsentText) -> None:
    """Show this text to nobody any more; those who agreed to it keep it as their proof."""
    ConsentText.objects.filter(pk=text.pk, superseded_at__isnull=True).update(
        superseded_at=timezone.now()
    )


def find_text(consent: Consent, language: str = "") -> ConsentText | None:
    """The current text for `language`, else for the default language, else any.

    Either language falls back one subtag at a time: `zh-Hant-TW` to `zh-Hant`, then to `zh`.
    """
    return choose_text(consent, consent.texts.filter(superseded_at__isnull=True), [language])


def choose_text(
    consent: Consent, current: Iterable[ConsentText], languages: Sequence[str]
) -> ConsentText | None:
    """The text for the first of `languages` that has one among the current ones of this consent.

    Each falls back one subtag at a time before the next one is looked for; then comes the default
    language, then any.
    """
    by_tag = {
        as_tag(text.language): text
        for text in sorted(current, key=lambda text: text.language, reverse=True)
    }
    for language in (*languages, consent.default_language):
        for candidate in _range_of(language):
            if candidate in by_tag:
                return by_tag[candidate]
    return next(reversed(by_tag.values()), None)


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
