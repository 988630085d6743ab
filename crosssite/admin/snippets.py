"""The snippets on the page of a tracked site."""

from dataclasses import dataclass

from crosssite import snippet
from crosssite.models import TrackedSite
from crosssite.origins import main_site_url

# A function name that no URL and no code name can hold: the page puts the chosen one in its place.
_PLACE_OF_NAME = "$FUNCTION$"


@dataclass(frozen=True)
class Code:
    """Code to copy, and the same with a placeholder for the name of the function."""

    text: str
    template: str = ""


@dataclass(frozen=True)
class Snippets:
    """What the page shows; `consent_first` is None if the channel has no tracking consent."""

    main_site_url: str
    plain: Code
    consent_first: Code | None
    banner: Code = Code(snippet.CONSENT_BANNER)
    function_name: str = snippet.FUNCTION_NAME
    function_name_pattern: str = snippet.FUNCTION_NAME_PATTERN
    reserved_words: str = " ".join(sorted(snippet.RESERVED_WORDS))
    place_of_name: str = _PLACE_OF_NAME


def build_snippets(site: TrackedSite) -> Snippets:
    """The snippets for `site`, which report to the domain of its channel."""
    url, consent = main_site_url(site.channel), site.channel.tracking_consent
    consent_first = None
    if consent is not None:

        def render_consent_first(name: str) -> str:
            return snippet.render_consent_first(
                url, consent.code_name, language=consent.default_language, function_name=name
            )

        consent_first = _code(render_consent_first)
    return Snippets(
        main_site_url=url,
        plain=_code(lambda name: snippet.render(url, name)),
        consent_first=consent_first,
    )


def _code(render) -> Code:
    return Code(text=render(snippet.FUNCTION_NAME), template=render(_PLACE_OF_NAME))
