"""Junk: what programs send for want of an id, and names nobody."""

import hashlib
import re
from functools import lru_cache
from urllib.parse import unquote

from contacts.emails import without_unseen
from contacts.models import ContactIdentifier

_LONGEST = ContactIdentifier._meta.get_field("value").max_length or 0
# What programs send for want of anything, beside zeros: words for nothing, and the names of the
# values that should have been there. Whatever is between words is an underscore here.
_NOTHING = frozenset(
    {
        *("_1", "[object_object]", "[]", "{}", "(not_set)", "not_set", "n/a", "na"),
        *("anonymous", "empty", "false", "guest", "invalid", "nan", "_nan", "nil", "none", "null"),
        *("true", "undefined", "unknown", "(null)", "(none)", "(empty)", "notset"),
        *("not_authenticated", "unauthenticated", "not_available", "not_logged_in"),
        *("not_provided", "unidentified", "unset"),
        *("inf", "_inf", "infinity", "_infinity", "#n/a", "#null!", "#ref!", "#value!"),
        *("#name?", "#num!", "#div/0!", "#error!"),
        *("anonymous_id", "anonymousid", "client_id", "clientid", "contact_id", "contactid"),
        *("customer_id", "customerid", "device_id", "deviceid", "distinct_id", "distinctid"),
        *("e_mail", "email", "email_address", "emailaddress", "external_id", "externalid"),
        *("guid", "id", "user_id", "userid", "user_email", "username", "user_name"),
        *("uuid", "uid", "visitor_id", "visitorid", "consistent_anonymous_id"),
        *("filtered", "redacted"),
    }
)
_BETWEEN_WORDS = re.compile(r"[\s_.-]+")
# How templates mark what they should have filled in, and privacy filters what they took out.
# A GUID in braces is an id.
_PLACEHOLDER = re.compile(
    r"(?:[\w.-]+=)?(?:"
    r"\{(?![0-9a-f-]{32,36}\}).*\}|\[.*\]|<.*>|[$#@]\{.*\}|\$\(.*\)|%.+%|\*\|.*\*|__.+__"
    r")|.*\{\{.*\}\}.*",
    re.DOTALL,
)
_MARKS = ("%s", "{{%s}}", "{{ %s }}", "{%s}", "${%s}", "[%s]", "<%s>", "%%%s%%", "*|%s|*", "__%s__")
# Zeros in the notation of programs, and the GUID that has nothing but ones.
_NO_NUMBER = re.compile(r"[+-]?0+(?:[.,]0*)?e[+-]?[0-9]+|0x0+|f{8}-?(?:f{4}-?){3}f{12}")
_ZEROS = ("0", "00", "0.0", "-1", "0" * 32, "00000000-0000-0000-0000-000000000000")
_HASHES_OF_NOTHING = frozenset(
    algorithm((mark % spell(word.replace("_", between))).encode()).hexdigest()
    for algorithm in (hashlib.sha256, hashlib.md5)
    for word in ("", *_ZEROS, *_NOTHING, "NaN", "userId", "distinctId", "customerId")
    for between in "_- "
    for spell in (str, str.upper, str.title, str.capitalize)
    for mark in _MARKS
)


def is_junk(value: str) -> bool:
    """Whether `value` is what programs send for want of an id, or cannot be kept as one.

    Everybody who sends it would become one contact.
    """
    return len(value) > _LONGEST or _means_nothing(value)


# Events of one person, and of one website, repeat the same few.
@lru_cache(maxsize=10_000)
def _means_nothing(value: str) -> bool:
    text = unquote(without_unseen(value)).strip().lower()
    return (
        "\0" in value
        or _is_nothing(text)
        or text in _HASHES_OF_NOTHING
        or not any(letter.isalnum() for letter in text.replace("0", ""))
        or _NO_NUMBER.fullmatch(text) is not None
        or _PLACEHOLDER.fullmatch(text) is not None
    )


def _is_nothing(text: str) -> bool:
    """Whether `text` is a word for nothing, or nothing but such words."""
    plain = _BETWEEN_WORDS.sub("_", text)
    return plain in _NOTHING or all(word in _NOTHING for word in plain.split("_"))
