"""Countries and states by the codes that contacts have."""

from functools import cache

import pycountry


@cache
def country_names() -> dict[str, str]:
    """English country names by their ISO 3166-1 alpha-3 codes, in the order of the names."""
    names = {country.alpha_3: country.name for country in pycountry.countries}
    return dict(sorted(names.items(), key=lambda item: item[1]))


@cache
def state_names() -> dict[str, str]:
    """Names of the US states and territories by their two-letter ANSI codes, in their order."""
    states = pycountry.subdivisions.get(country_code="US")
    names = {state.code.removeprefix("US-"): state.name for state in states}
    return dict(sorted(names.items(), key=lambda item: item[1]))


def country_code(text: str) -> str:
    """The alpha-3 code of the country that has this code of two or three letters, or ""."""
    country = None
    if len(text) == 2:
        country = pycountry.countries.get(alpha_2=text.upper())
    elif len(text) == 3:
        country = pycountry.countries.get(alpha_3=text.upper())
    return country.alpha_3 if country else ""
