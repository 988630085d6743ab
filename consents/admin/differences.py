"""What is different between two versions of a text, and what a new version would mean."""

import re
from collections.abc import Iterator
from difflib import SequenceMatcher

from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from adminsite.counting import COUNTED, count_up_to, say_count
from consents.languages import language_names
from consents.models import Consent, ConsentText, CurrentAnswer
from consents.texts import clean_html, versions_in

# Tags, words, and what is between words.
_TOKEN = re.compile(r"<[^>]*>|[^\s<]+|\s+")
_NO_BREAK = re.compile("&nbsp;|&#160;|&#xa0;|\xa0", re.IGNORECASE)
_BLOCK = re.compile(r"</?(p|h[2-4]|ul|ol|li|table|tr|blockquote|br|hr)\b")
# Comparing takes the square of it.
_MOST_TOKENS = 6_000


def differences(before: str, after: str) -> SafeString:
    """The text of `after`, with what is new and what is gone; tags are shown where they differ.

    Texts are compared as people read them: editors write spaces as no-break spaces where one types.
    """
    old, new = _tokens(before), _tokens(after)
    if old == new and before != after:
        return format_html("<p>{}</p>", "It reads the same: only kinds of spaces are different.")
    if max(len(old), len(new)) > _MOST_TOKENS:
        return format_html("<p>{}</p>", "These texts are too long to be compared here.")
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    return format_html_join("", "{}", ((part,) for part in _parts(matcher, old, new)))


def _parts(matcher: SequenceMatcher, old: list[str], new: list[str]) -> Iterator[str]:
    for what, old_from, old_to, new_from, new_to in matcher.get_opcodes():
        if what == "equal":
            yield "".join(map(_readable, new[new_from:new_to]))
            continue
        if gone := "".join(map(_readable_or_tag, old[old_from:old_to])):
            yield format_html('<del class="text-red-700 dark:text-red-400">{}</del>', gone)
        if came := "".join(map(_readable_or_tag, new[new_from:new_to])):
            yield format_html(
                '<ins class="font-medium text-green-700 dark:text-green-400">{}</ins>', came
            )


def _tokens(html: str) -> list[str]:
    return _TOKEN.findall(_NO_BREAK.sub(" ", html))


def _readable_or_tag(token: str) -> str:
    return token if token.startswith("<") else _readable(token)


def _readable(token: str) -> str:
    if token.startswith("<"):
        return "\n" if _BLOCK.match(token) else ""
    return re.sub(r"&(amp|lt|gt|quot);", lambda found: _ENTITIES[str(found[1])], token)


_ENTITIES = {"amp": "&", "lt": "<", "gt": ">", "quot": '"'}


def version_before(text: ConsentText) -> ConsentText | None:
    """The version that this one took the place of."""
    earlier = versions_in(text.consent, text.language).filter(version__lt=text.version)
    return earlier.order_by("-version").first()


def people_who_agree_to(texts: QuerySet[ConsentText], consent_id: int) -> int:
    """How many contacts agree to one of these texts, counted as far as pages say it."""
    agreeing = CurrentAnswer.objects.filter(consent=consent_id, agreed=True, text__in=texts)
    return count_up_to(agreeing, COUNTED)


def people_by_text(consent: Consent) -> dict[int | None, int]:
    """How many contacts agree to each text of a consent, by one look at an index of those."""
    agreeing = CurrentAnswer.objects.filter(consent=consent, agreed=True)
    number = Count("contact")
    return dict(agreeing.order_by().values_list("text").annotate(number))


def show_what_would_change(request: HttpRequest, may_change: bool) -> HttpResponse:
    """What saving the texts in the body of this POST would make of a text, as a part of a page."""
    if not may_change:
        raise PermissionDenied
    key = request.POST.get("text", "")
    is_key = key.isdecimal() and len(key) < 19
    texts = ConsentText.objects.filter(superseded_at__isnull=True).select_related("consent")
    text = texts.filter(pk=int(key)).first() if is_key else None
    if text is None:
        return HttpResponse("")
    given = {
        name: given_or_kept(request.POST.get(name, ""), getattr(text, name))
        for name in ("short_text", "full_text")
    }
    changed = [
        (name, differences(getattr(text, field), clean_html(given[field])))
        for field, name in (("short_text", "Short text"), ("full_text", "Full text"))
        if given[field] != getattr(text, field) and clean_html(given[field]) != getattr(text, field)
    ]
    if not changed:
        return HttpResponse("")
    number = people_who_agree_to(versions_in(text.consent, text.language), text.consent_id)
    context = {
        "changed": changed,
        "version": text.version + 1,
        "language": language_names().get(text.language, text.language),
        "people": say_count(number, COUNTED),
        "is_one": number == 1,
        "they_count": text.consent.older_versions_count,
    }
    return TemplateResponse(request, "consents/what_would_change.html", context)


def given_or_kept(given: str, kept: str) -> str:
    """`kept` if it is what a form has sent back unchanged, else what was `given`.

    Forms send line breaks in a way of their own, and nothing that is around a text.
    """
    is_same = _as_sent(given) == _as_sent(kept)
    return kept if is_same else given


def _as_sent(html: str) -> str:
    return html.replace("\r\n", "\n").strip()
