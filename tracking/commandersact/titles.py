"""What an event was about, in a few words: the order, the product, the search term; and the amount.

The names of properties are those of the format's standard events.
"""

from decimal import Decimal, InvalidOperation
from typing import Any

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
_WITHOUT_CENTS = {"CLP", "ISK", "JPY", "KRW", "PYG", "UGX", "VND", "XAF", "XOF", "XPF"}


def subject_of(properties: dict[str, Any]) -> str:
    """What the event with these properties was about, such as an order number, or ""."""
    others = (properties.get(name) for name in _SUBJECTS)
    candidates = (properties.get("id"), _product_of(properties.get("items")), *others)
    return next(filter(None, map(as_text, candidates)), "")


def as_text(value: object) -> str:
    """A text or number as text, anything else as "": programs send ids as numbers, too."""
    if isinstance(value, str):
        return value.strip()
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def amount_of(properties: dict[str, Any]) -> str:
    """The value of the event with its currency, such as `89.90 EUR`, or ""."""
    currency = properties.get("currency")
    if not isinstance(currency, str) or not (len(currency) == 3 and currency.isalpha()):
        return ""
    for name in ("value", "revenue"):
        try:
            number = Decimal(as_text(properties.get(name)))
            if not number.is_finite() or abs(number) >= 10**15:
                continue
        except InvalidOperation:
            continue
        decimals = 0 if currency.upper() in _WITHOUT_CENTS else 2
        return f"{number:.{decimals}f} {currency.upper()}"
    return ""


def _product_of(items: object) -> str:
    """The name of the first product, and how many more there are."""
    if not isinstance(items, list) or not items or not isinstance(items[0], dict):
        return ""
    product = items[0].get("product")
    name = as_text(product.get("name") or product.get("id")) if isinstance(product, dict) else ""
    name = name or as_text(items[0].get("id"))
    return f"{name} and {len(items) - 1} more" if name and len(items) > 1 else name
