"""Numbers that stand for something and count nothing: ids, ZIP codes, phones."""

import re

# Beyond it, several whole numbers become one float.
_LARGEST_EXACT = 2**53
_WHOLE = re.compile(r"([+-]?[0-9]+)\.0+")


def as_code(value: object) -> str:
    """The text of an id, a ZIP code or a phone, or "" if `value` cannot be one.

    Many programs keep numbers as floats: 4711.0 is the code 4711, and so is the text of it. A
    number so large that a float does not tell it from its neighbours is no code.
    """
    if isinstance(value, str):
        text = value.strip()
        whole = _WHOLE.fullmatch(text)
        return whole[1] if whole else text
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    if isinstance(value, int):
        return str(value)
    if not abs(value) < _LARGEST_EXACT:
        return ""
    return str(int(value)) if value.is_integer() else str(value)
