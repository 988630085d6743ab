"""Countries and states as Kentico calls them, by the codes that contacts have."""

import re
import unicodedata
from functools import cache

import pycountry

from contacts.places import country_code, country_names, state_names

# Names that neither ISO 3166-1 nor common usage has today, and those that ISO writes otherwise.
_OTHER_NAMES = {
    "britain": "GBR",
    "brunei": "BRN",
    "burma": "MMR",
    "capeverde": "CPV",
    "congodemocraticrepublic": "COD",
    "democraticrepublicofthecongo": "COD",
    "congorepublic": "COG",
    "republicofthecongo": "COG",
    "czechrepublic": "CZE",
    "easttimor": "TLS",
    "greatbritain": "GBR",
    "ivorycoast": "CIV",
    "laos": "LAO",
    "macau": "MAC",
    "macedonia": "MKD",
    "northkorea": "PRK",
    "palestine": "PSE",
    "russia": "RUS",
    "southkorea": "KOR",
    "swaziland": "SWZ",
    "syria": "SYR",
    "turkey": "TUR",
    "uk": "GBR",
    "unitedstatesofamerica": "USA",
    "us": "USA",
    "vaticancity": "VAT",
    "vietnam": "VNM",
}


def find_country(text: str) -> str:
    """The code of the country that has this name or code, however it is written, or ""."""
    return country_code(text.strip()) or _countries().get(_plain(text), "")


def find_state(text: str) -> str:
    """The code of the US state that has this name or code, however it is written, or ""."""
    code = text.strip().upper().removeprefix("US-")
    return code if code in state_names() else _states().get(_plain(text), "")


@cache
def _countries() -> dict[str, str]:
    codes: dict[str, set[str]] = {}
    for country in pycountry.countries:
        names = [getattr(country, kind, "") for kind in ("name", "common_name", "official_name")]
        # ISO has “Bolivia, Plurinational State of”.
        names.append(country.name.partition(",")[0])
        for name in filter(None, names):
            codes.setdefault(_plain(name), set()).add(country.alpha_3)
    codes |= {_plain(name): {code} for code, name in country_names().items()}
    # Two countries are called Korea.
    clear = {name: min(found) for name, found in codes.items() if len(found) == 1}
    return clear | _OTHER_NAMES


@cache
def _states() -> dict[str, str]:
    return {_plain(name): code for code, name in state_names().items()}


def _plain(name: str) -> str:
    """`name` in small letters, without accents, spaces, signs, and “the” in front."""
    letters = unicodedata.normalize("NFKD", name).lower()
    return re.sub(r"[^a-z]", "", letters).removeprefix("the")
