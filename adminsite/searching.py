"""Terms of the search boxes, and conditions that the indexes can serve."""

from uuid import UUID

from django.db.models import Q
from django.db.models.expressions import Combinable
from django.db.models.functions import Lower
from django.db.models.lookups import StartsWith


def as_uuid(term: str) -> UUID | None:
    """`term` as a UUID, in any of its usual spellings, or None."""
    try:
        return UUID(term.strip())
    except ValueError:
        return None


def as_id(term: str) -> int | None:
    """`term` as the id of a row, or None."""
    digits = term.strip().removeprefix("#")
    if digits.isascii() and digits.isdigit() and int(digits) < 2**63:
        return int(digits)
    return None


def has_prefix(field: str, prefix: str, *, of: Combinable | None = None) -> Q:
    """Rows whose `field`, or what the expression `of` makes of it, starts with `prefix`.

    Letter case does not matter. Served by an index on `Lower` of the same with text_pattern_ops
    that leaves out empty values.
    """
    return Q(StartsWith(Lower(of or field), prefix.lower())) & ~Q(**{field: ""})
