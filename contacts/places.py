"""Countries and states by the codes that contacts have."""

from functools import cache

import pycountry

# A user-assigned code of ISO 3166-1, which the European Union, the IMF and SWIFT use.
_KOSOVO = ("XK", "XKX", "Kosovo")
# Beside the states and territories of ISO 3166-2: states in free association, which have ANSI
# codes and ZIP codes of the USA, and the three "states" of military post offices.
_MORE_STATES = {
    "AA": "Armed Forces Americas",
    "AE": "Armed Forces Europe",
    "AP": "Armed Forces Pacific",
    "FM": "Micronesia",
    "MH": "Marshall Islands",
    "PW": "Palau",
}


@cache
def country_names() -> dict[str, str]:
    """English country names by their ISO 3166-1 alpha-3 codes, in the order of the names.

    Kosovo, which has no official code, is XKX.
    """
    names = {country.alpha_3: country.name for country in pycountry.countries}
    names[_KOSOVO[1]] = _KOSOVO[2]
    return dict(sorted(names.items(), key=lambda item: item[1]))


@cache
def state_names() -> dict[str, str]:
    """Names of US states, territories and associated states by their ANSI codes, in their order.

    The codes of military post offices are among them.
    """
    states = pycountry.subdivisions.get(country_code="US")
    names = {state.code.removeprefix("US-"): state.name for state in states}
    names |= _MORE_STATES
    return dict(sorted(names.items(), key=lambda item: item[1]))


def country_code(text: str) -> str:
    """The alpha-3 code of the country that has this code of two or three letters, or ""."""
    if text.upper() in _KOSOVO[:2]:
        return _KOSOVO[1]
    country = None
    if len(text) == 2:
        country = pycountry.countries.get(alpha_2=text.upper())
    elif len(text) == 3:
        country = pycountry.countries.get(alpha_3=text.upper())
    return country.alpha_3 if country else ""
