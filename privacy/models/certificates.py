"""Proofs of erasures: certificates in a chain, and what the database knows of their file."""

from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.utils import timezone

from privacy.sealing import hash_of, is_sealed

# A certificate of one person is as it always was; only the second version says how many they are.
_OF_ONE, _OF_MANY = 1, 2
_DIGITS = 64


class Certificate(models.Model):
    """What was erased of a person, when, by whom and why. Nothing of it names the person.

    Those whom a rule of retention erases together have one for all: it says how many they are.

    Certificates are a chain: each has the hash of the one before. They have numbers from 1 without
    a gap, in the order in which their erasures were committed. A trigger refuses to change them.
    """

    number = models.PositiveBigIntegerField(primary_key=True)
    at = models.DateTimeField("erased", help_text="When nothing of the person was left.")
    began_at = models.DateTimeField(
        "begun", help_text="From then on the hub knew the person by no name."
    )
    # Users get deleted, and certificates are never changed: so there is no key of the database.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.DO_NOTHING,
        null=True,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    by = models.CharField(max_length=200)
    reason = models.TextField()
    source = models.CharField(
        max_length=20, help_text="What asked for it: a value of contacts.Erasure.Reason."
    )
    key = models.CharField(max_length=16, help_text="What tells the ERASURE_KEY from others.")
    names = ArrayField(
        models.CharField(max_length=100),
        help_text="Keyed hashes of the names that the person was known by, after their kind.",
    )
    people = models.PositiveIntegerField(default=1, db_default=1)
    tables = models.JSONField(help_text="How many rows were deleted of each kind.")
    destinations = models.JSONField(
        help_text="Who was asked to delete the person, and who could not be asked and why."
    )
    line = models.CharField(
        max_length=_DIGITS,
        blank=True,
        help_text="The hash of the line in the file of erasures with which it began.",
    )
    previous = models.CharField(max_length=_DIGITS, blank=True)
    hash = models.CharField(max_length=_DIGITS)
    seal = models.CharField(max_length=_DIGITS)

    class Meta:
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(fields=["hash"], name="one_certificate_per_hash"),
            models.CheckConstraint(
                condition=models.Q(number__gte=1), name="certificates_are_numbered_from_one"
            ),
            models.CheckConstraint(
                condition=~models.Q(reason="") & ~models.Q(by=""),
                name="a_certificate_says_why_and_by_whom",
            ),
            models.CheckConstraint(
                condition=models.Q(people__gte=1), name="a_certificate_is_of_somebody"
            ),
        ]
        indexes = [GinIndex(fields=["names"], name="certificates_of_a_name")]

    def __str__(self) -> str:
        return f"Certificate {self.number}"

    @property
    def rows(self) -> int:
        """How many rows were deleted."""
        return sum(self.tables.values())

    @property
    def content(self) -> dict[str, Any]:
        """All that the hash is made of, as JSON has it."""
        is_of_one = self.people == 1
        return {
            "version": _OF_ONE if is_of_one else _OF_MANY,
            **({} if is_of_one else {"people": self.people}),
            "number": self.number,
            "at": as_text(self.at),
            "began_at": as_text(self.began_at),
            "user": self.user_id,
            "by": self.by,
            "reason": self.reason,
            "source": self.source,
            "key": self.key,
            "names": self.names,
            "tables": self.tables,
            "destinations": self.destinations,
            "line": self.line,
            "previous": self.previous,
        }

    @classmethod
    def of_content(cls, content: dict[str, Any], seal: str) -> "Certificate":
        """The certificate that has this content; it is not saved.

        :raises ValueError, KeyError, TypeError: if it is no content of a certificate
        """
        if content["version"] not in (_OF_ONE, _OF_MANY):
            raise ValueError("It is of another version of the hub.")
        fields = {name: content[name] for name in content if name not in ("version", "user")}
        fields |= {name: datetime.fromisoformat(content[name]) for name in ("at", "began_at")}
        return cls(**fields, user_id=content["user"], hash=hash_of(content), seal=seal)

    @property
    def is_unchanged(self) -> bool:
        """Whether its hash is of what it says."""
        return hash_of(self.content) == self.hash

    @property
    def is_sealed(self) -> bool:
        """Whether this hub sealed it, under the key that it has now."""
        return is_sealed(self.hash, self.seal)


class ErasureLine(models.Model):
    """A line of the file of erasures whose person this database has erased, or begun to.

    It is added in the transaction that takes the person's names out of the database. So a database
    without the row of a line is one without that erasure, such as a backup of before.
    """

    hash = models.CharField(max_length=_DIGITS, primary_key=True)
    content = models.JSONField()
    seal = models.CharField(max_length=_DIGITS)
    # Of an erasure that this database had begun itself.
    erasure_id = models.BigIntegerField(null=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.DO_NOTHING,
        null=True,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    by = models.CharField(max_length=200, blank=True)
    reason = models.TextField(blank=True)
    added_at = models.DateTimeField(default=timezone.now)

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["erasure_id"], name="lines_of_an_erasure")]

    def __str__(self) -> str:
        return self.hash


def as_text(at: datetime) -> str:
    """A time as contents have it: ISO 8601 in UTC, with microseconds."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")
