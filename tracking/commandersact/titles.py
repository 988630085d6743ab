"""What an event was about, in a few words: the order, the product, the search term; and the amount.

The names of properties are those of the format's standard events.
"""

import re
from decimal import Decimal, InvalidOperation
from typing import Any

from contacts.codes import as_code

_CURRENCY = re.compile("[A-Za-z]{3}")
# The first one that an event has says best what it was about, if it has neither id nor products.
_SUBJECTS = (
    "search_term",
    "page_name",
    "item_id",
    "item_list_name",
    "promotion_name",
    "method",
    "payment_method",
    "shipping_tier",
    "campaign",
    "video_title",
    "title",
    "page_type",
)
# The currencies that have not two decimals: minor units of ISO 4217, list one, of 2026. pycountry
# has currencies without them.
_DECIMALS = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF"), 0),
    **dict.fromkeys(("UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}


def subject_of(properties: dict[str, Any]) -> str:
    """What the event with these properties was about, such as an order number, or ""."""
    others = (properties.get(name) for name in _SUBJECTS)
    candidates = (_product_of(properties.get("items")), *others)
    return as_code(properties.get("id")) or next(filter(None, map(as_text, candidates)), "")


def as_text(value: object) -> str:
    """A text or number as text, anything else as "": programs send ids as numbers, too."""
    if isinstance(value, str):
        return value.strip()
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def amount_of(properties: dict[str, Any]) -> str:
    """The value of the event with its currency, such as `89.90 EUR`, or ""."""
    currency = properties.get("currency")
    if not isinstance(currency, str) or not _CURRENCY.fullmatch(currency):
        return ""
    for name in ("value", "revenue"):
        try:
            number = Decimal(as_text(properties.get(name)))
            if not number.is_finite() or abs(number) >= 10**15:
                continue
        except InvalidOperation:
            continue
        decimals = _DECIMALS.get(currency.upper(), 2)
        return f"{number:.{decimals}f} {currency.upper()}"
    return ""


def _product_of(items: object) -> str:
    """The name of the first product, and how many more there are."""
    if not isinstance(items, list) or not items or not isinstance(items[0], dict):
        return ""
    product = items[0].get("product")
    name = ""
    if isinstance(product, dict):
        name = as_text(product.get("name")) or as_code(product.get("id"))
    name = name or as_code(items[0].get("id"))
    return f"{name} and {len(items) - 1} more" if name and len(items) > 1 else name
