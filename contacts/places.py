"""Countries and states by the codes that contacts have, and by what people call them."""

import gettext
import unicodedata
from collections.abc import Iterator
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
# Names of countries are understood in English and in these: the languages of Europe, and others in
# which many forms are filled in.
_LANGUAGES = (
    *("bg", "bs", "ca", "cs", "cy", "da", "de", "el", "es", "et", "eu", "fi", "fr", "ga", "gl"),
    *("hr", "hu", "is", "it", "lt", "lv", "mk", "mt", "nb_NO", "nl", "nn", "pl", "pt", "ro", "ru"),
    *("sk", "sl", "sq", "sr", "sr@latin", "sv", "tr", "uk"),
    *("ar", "he", "id", "ja", "ko", "pt_BR", "vi", "zh_CN", "zh_TW"),
)
# Names that ISO 3166-1 has no longer, or writes otherwise, in small letters without signs.
_OTHER_NAMES = {
    **dict.fromkeys(("grossbritannien", "grandebretagne", "granbretana", "granbretagna"), "GBR"),
    **dict.fromkeys(("isobritannia", "великобритания", "великобританія"), "GBR"),
    **dict.fromkeys(("russie", "rusia", "ryssland", "rosja", "rusko", "oroszorszag"), "RUS"),
    **dict.fromkeys(("venaja", "rusija", "rusya", "россия", "росія", "русия", "ρωσια"), "RUS"),
    "bielorussie": "BLR",
    "nederlandene": "NLD",
    "tyrkiet": "TUR",
    "bolivia": "BOL",
    "britain": "GBR",
    "brunei": "BRN",
    "burma": "MMR",
    "capeverde": "CPV",
    "congodemocraticrepublic": "COD",
    "congorepublic": "COG",
    "czechrepublic": "CZE",
    "democraticrepublicofthecongo": "COD",
    "easttimor": "TLS",
    "england": "GBR",
    "greatbritain": "GBR",
    "holland": "NLD",
    "iran": "IRN",
    "ivorycoast": "CIV",
    "laos": "LAO",
    "macau": "MAC",
    "macedonia": "MKD",
    "moldova": "MDA",
    "netherlands": "NLD",
    "northkorea": "PRK",
    "palestine": "PSE",
    "republicofthecongo": "COG",
    "russia": "RUS",
    "southkorea": "KOR",
    "swaziland": "SWZ",
    "syria": "SYR",
    "taiwan": "TWN",
    "tanzania": "TZA",
    "turkey": "TUR",
    "uk": "GBR",
    "unitedstatesofamerica": "USA",
    "us": "USA",
    "usa": "USA",
    "vaticancity": "VAT",
    "venezuela": "VEN",
    "vietnam": "VNM",
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


def find_country(text: str) -> str:
    """The alpha-3 code of the country that has this code or name, however it is written, or "".

    Names may be in one of many languages. One that two countries have is understood as English.
    """
    plain = _plain(text)
    return country_code(text.strip()) or _countries().get(plain) or _foreign().get(plain, "")


def find_state(text: str) -> str:
    """The code of the US state that has this name or code, however it is written, or ""."""
    code = text.strip().upper().removeprefix("US-")
    return code if code in state_names() else _states().get(_plain(text), "")


@cache
def _countries() -> dict[str, str]:
    """Codes of countries by their English names."""
    names = list(_names(gettext.NullTranslations()))
    # ISO has “Bolivia, Plurinational State of”.
    names += [(name.partition(",")[0], code) for name, code in names]
    own = {_plain(name): code for code, name in country_names().items()}
    return _clear(names) | own | _OTHER_NAMES


@cache
def _foreign() -> dict[str, str]:
    """Codes of countries by their names in other languages; reading them takes a while."""
    names: list[tuple[str, str]] = []
    for language in _LANGUAGES:
        names += _names(gettext.translation("iso3166-1", pycountry.LOCALES_DIR, [language]))
    return _clear(names)


def _names(language: gettext.NullTranslations) -> Iterator[tuple[str, str]]:
    for country in pycountry.countries:
        for kind in ("name", "common_name", "official_name"):
            if name := getattr(country, kind, ""):
                yield language.gettext(name), country.alpha_3


def _clear(names: list[tuple[str, str]]) -> dict[str, str]:
    """The codes by those names that one country alone has: two are called Korea."""
    codes: dict[str, set[str]] = {}
    for name, code in names:
        codes.setdefault(_plain(name), set()).add(code)
    return {name: min(found) for name, found in codes.items() if name and len(found) == 1}


@cache
def _states() -> dict[str, str]:
    return {_plain(name): code for code, name in state_names().items()}


def _plain(name: str) -> str:
    """`name` in small letters, without accents, spaces, signs, and “the” in front."""
    letters = unicodedata.normalize("NFKD", name).casefold()
    return "".join(filter(str.isalpha, letters)).removeprefix("the")
