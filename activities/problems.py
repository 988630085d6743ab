"""What became of an activity: why it was refused, or is not as it should be."""

from collections.abc import Sequence

from django.db import models


class Status(models.TextChoices):
    """What became of an activity."""

    VALID = "valid", "Valid"
    INVALID_ACCEPTED = "invalid_accepted", "Invalid, accepted"
    INVALID_REJECTED = "invalid_rejected", "Invalid, rejected"
    FILTERED = "filtered", "Filtered"
    FAILED = "failed", "Failed"


class InvalidActivity(Exception):
    """One activity cannot be recorded, or not as it came.

    `code` is stable and for programs, `field` is the member of the activity that is wrong (or ""),
    `detail` tells a person what was wrong and what to do. `status` is what becomes of it.
    """

    def __init__(
        self, code: str, field: str, detail: str, status: Status = Status.INVALID_REJECTED
    ):
        super().__init__(detail)
        self.code, self.field, self.detail, self.status = code, field, detail, status


def summarise(remarks: Sequence[InvalidActivity]) -> InvalidActivity:
    """All `remarks` about one activity that was accepted, as one; it has the first one's code."""
    first, *more = remarks
    detail = " ".join([first.detail, *(remark.detail for remark in more)])
    return InvalidActivity(first.code, first.field, detail, Status.INVALID_ACCEPTED)


def more_rejections(count: int) -> InvalidActivity:
    """What the inspector says of `count` refused activities that it does not keep one by one."""
    detail = f"{count:,} more activities of this request are not kept here."
    return InvalidActivity("more_rejections", "", detail)


def printable(text: str) -> str:
    """The beginning of a name that a client sent, fit for a sentence."""
    return "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text[:100]
    )
