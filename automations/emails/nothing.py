"""Values that are not there, which texts may ask about and must not show."""

from liquid import Undefined


class _Empty(str):
    """What a missing value is in comparisons: nil, blank, and equal to an empty text."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return other is None or other == ""

    def __hash__(self) -> int:
        return hash("")


# Liquid takes an empty text for true, and what is undefined for false.
Undefined.register(_Empty)
_EMPTY = _Empty()


class Nothing(str):
    """An empty text that holds an email back if it is shown without a default.

    :ivar reason: what is missing, as a sentence
    """

    __slots__ = ("reason",)
    reason: str

    def __new__(cls, reason: str) -> "Nothing":
        made = super().__new__(cls, "")
        made.reason = reason
        return made

    def __liquid__(self) -> object:
        return _EMPTY
