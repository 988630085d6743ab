"""Formats of properties: regular expressions that take no longer than their text is long."""

from functools import lru_cache

import re2
from django.core.exceptions import ValidationError

_OPTIONS = re2.Options()
# The author of an expression is told what is wrong with it; nobody reads standard error.
_OPTIONS.log_errors = False


def matches(text: str, format: str) -> bool:
    """Whether all of `text` is as `format` says. A format that is no expression takes any text."""
    expression = _compile(format)
    return expression is None or expression.fullmatch(text) is not None


def validate_format(format: str) -> None:
    """Refuse a format that is no regular expression, and say why.

    :raises ValidationError:
    """
    try:
        re2.compile(format, _OPTIONS)
    except re2.error as error:
        raise ValidationError(
            f"This is no regular expression that can be used here: {_explain(error)}. Looking "
            "ahead or behind, and \\1 for what was found before, are not possible."
        ) from None


@lru_cache(maxsize=1024)
def _compile(format: str):
    # Code that went past the admin may have saved anything; activities are not lost for it.
    try:
        return re2.compile(format, _OPTIONS)
    except (re2.error, UnicodeEncodeError):
        return None


def _explain(error: Exception) -> str:
    (reason,) = error.args
    return reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
