"""Names and values as Google Analytics takes them; what it does not take it drops silently."""

import re
from collections.abc import Mapping
from typing import Any

from destinations.flattening import flatten

LONGEST_NAME = 40
MOST_PARAMS = 25
_LONGEST_VALUE = 100
_LONGEST = {"page_location": 1_000, "page_referrer": 420, "page_title": 300}
_MOST_ITEMS = 200
_PREFIX = "hub_"
_NOT_OF_NAMES = re.compile(r"[^A-Za-z0-9_]")
_RESERVED_PREFIXES = ("_", "firebase_", "ga_", "google_", "gtag")
_RESERVED_EVENTS = frozenset(
    [
        *("ad_activeview", "ad_click", "ad_exposure", "ad_impression", "ad_query", "ad_reward"),
        *("adunit_exposure", "app_background", "app_clear_data", "app_exception", "app_install"),
        *("app_remove", "app_store_refund", "app_store_subscription_cancel", "app_upgrade"),
        *("app_store_subscription_convert", "app_store_subscription_renew", "app_update", "error"),
        *("dynamic_link_app_open", "dynamic_link_app_update", "dynamic_link_first_open"),
        *("first_open", "first_visit", "in_app_purchase", "notification_dismiss", "os_update"),
        *("notification_foreground", "notification_open", "notification_receive"),
        *("notification_send", "query_id", "session_start", "session_start_with_rollout"),
        "user_engagement",
    ]
)
# Google's terms forbid to send it what says who a person is.
_EMAIL = re.compile(r"[^\s?&=/<>\"']+(?:@|%40)[^\s?&=/<>\"']+\.[^\s?&=/<>\"']+")


def event_name(name: str) -> str:
    """A name of an event: letters, digits and underscores, none that Google keeps for itself."""
    return _name(name, _RESERVED_EVENTS)


def params_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters of an event: the first 25 that have a value, texts cut to what is taken.

    A list of objects called `items` stays one, as events of shops have it; other objects come
    apart. Emails inside of texts are taken out.
    """
    params: dict[str, Any] = {}
    items = given.get("items")
    if isinstance(items, list) and items and all(isinstance(one, Mapping) for one in items):
        params["items"] = [_item(one) for one in items[:_MOST_ITEMS]]
        given = {name: value for name, value in given.items() if name != "items"}
    for name, value in flatten(given).items():
        if len(params) == MOST_PARAMS:
            break
        name = _name(name, frozenset())
        taken = _value(value, _LONGEST.get(name, _LONGEST_VALUE))
        if taken is not None:
            params.setdefault(name, taken)
    return params


def user_properties_of(given: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Properties of a user: at most 24 characters in a name and 36 in a value."""
    values = {name[:24]: _value(value, 36) for name, value in given.items()}
    return {name: {"value": value} for name, value in values.items() if value is not None}


def _name(name: str, reserved: frozenset[str]) -> str:
    name = _NOT_OF_NAMES.sub("_", name)
    if not name[:1].isalpha() or name.startswith(_RESERVED_PREFIXES) or name in reserved:
        name = _PREFIX + name
    return name[:LONGEST_NAME]


def _item(item: Mapping[str, Any]) -> dict[str, Any]:
    values = {
        _name(name, frozenset()): _value(value, _LONGEST_VALUE)
        for name, value in flatten(item).items()
    }
    return {name: value for name, value in values.items() if value is not None}


def _value(value: Any, longest: int) -> str | int | float | None:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return value
    if not isinstance(value, str) or not value:
        return None
    return _EMAIL.sub("(email)", value)[:longest]
