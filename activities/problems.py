"""What became of an activity: why it was refused, or is not as it should be."""

import re
from collections.abc import Sequence

from django.db import models

# What no name has, and no sentence shows: control characters, halves of characters, and what turns
# the direction of the text around it. Joiners, marks of direction and letters that are newer than
# this Python are part of names.
CONTROLS = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


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
    `detail` tells a person what was wrong and what to do. `status` is what becomes of it. Of
    what a visitor did who must not be tracked (`is_untracked`) the inspector keeps only that it
    came.
    """

    def __init__(
        self,
        code: str,
        field: str,
        detail: str,
        status: Status = Status.INVALID_REJECTED,
        *,
        is_untracked: bool = False,
    ):
        super().__init__(detail)
        self.code, self.field, self.detail, self.status = code, field, detail, status
        self.is_untracked = is_untracked


def of_an_erased_person(field: str) -> InvalidActivity:
    """What to say of an activity that names, in `field`, a person who was erased."""
    return InvalidActivity(
        "erased",
        field,
        "This names a person who was erased. It is recorded again when the person agrees anew, in "
        "a browser or a form.",
        Status.FILTERED,
        is_untracked=True,
    )


def summarise(remarks: Sequence[InvalidActivity]) -> InvalidActivity:
    """All `remarks` about one activity that was accepted, as one; it has the first one's code."""
    first, *more = remarks
    detail = " ".join([first.detail, *(remark.detail for remark in more)])
    return InvalidActivity(first.code, first.field, detail, Status.INVALID_ACCEPTED)


def more_rejections(count: int) -> InvalidActivity:
    """What the inspector says of `count` refused activities that it does not keep one by one."""
    detail = f"{count:,} more activities of this request are not kept here."
    return InvalidActivity("more_rejections", "", detail)


def printable(text: str, most: int = 100) -> str:
    """The beginning of a name that a client sent, fit for a sentence."""
    return CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text[:most])
