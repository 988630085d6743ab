"""The languages that users choose from; a text may have others, by their tags."""

from functools import lru_cache

import pycountry

# Languages of which texts are often written for one country, or one script, alone.
_VARIANTS = (
    *("de-AT", "de-CH", "en-AU", "en-CA", "en-GB", "en-IE", "en-US", "es-AR", "es-MX", "fr-BE"),
    *("fr-CA", "fr-CH", "it-CH", "nl-BE", "pt-BR", "pt-PT", "sr-Cyrl", "sr-Latn", "zh-Hans"),
    *("zh-Hant",),
)
_LENGTH_OF_COUNTRY = 2


@lru_cache(maxsize=1)
def language_names() -> dict[str, str]:
    """What languages are called, by their tags, in the order of the names."""
    names = {
        language.alpha_2: language.name
        for language in pycountry.languages
        if hasattr(language, "alpha_2")
    }
    for tag in _VARIANTS:
        language, variant = tag.split("-")
        names[tag] = f"{names[language]} ({_name_of(variant)})"
    return dict(sorted(names.items(), key=lambda one: one[1].lower()))


def _name_of(variant: str) -> str:
    if len(variant) == _LENGTH_OF_COUNTRY:
        found = pycountry.countries.get(alpha_2=variant)
    else:
        found = pycountry.scripts.get(alpha_4=variant)
    return found.name if found else variant
