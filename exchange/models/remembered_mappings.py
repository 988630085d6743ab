"""Mappings that users have chosen, for the next file with the same columns."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone

from exchange.models.imports import Import

REASON = "reason"


class RememberedMapping(models.Model):
    """What the columns of files with these names were for, the last time.

    Columns in another order are the same columns.
    """

    kind = models.CharField(max_length=20, choices=Import.Kind.choices)
    columns_key = models.CharField(max_length=64)
    mapping = models.JSONField(default=dict)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "columns_key"],
                name="one_mapping_is_remembered_for_the_same_columns",
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {len(self.mapping)} columns"

    @staticmethod
    def key_of(headers: Sequence[str]) -> str:
        """What files with these columns have in common."""
        # A file of rejects that was mended has the reasons as its last column.
        names = sorted(header.casefold() for header in headers if header != REASON)
        return hashlib.sha256(json.dumps(names).encode()).hexdigest()

    @classmethod
    def find(cls, kind: str, headers: Sequence[str]) -> "RememberedMapping | None":
        """What was remembered for these columns."""
        return cls.objects.filter(kind=kind, columns_key=cls.key_of(headers)).first()

    @classmethod
    def remember(
        cls, kind: str, headers: Sequence[str], mapping: dict[str, Any], *, by: Any
    ) -> None:
        """Propose `mapping` for the next file with these columns."""
        cls.objects.update_or_create(
            kind=kind,
            columns_key=cls.key_of(headers),
            defaults={"mapping": mapping, "by": by, "at": timezone.now()},
        )
