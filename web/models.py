"""What the doors of all processes count together."""

from django.db import models


class LimitCount(models.Model):
    """How often something happened in one piece of time.

    The key is a keyed hash: what is counted may be the address of a person. The table is unlogged:
    to count costs no wait for the disk, and after a crash counting begins anew.
    """

    key = models.UUIDField(primary_key=True)
    count = models.PositiveIntegerField()
    ends_at = models.DateTimeField(db_index=True)

    def __str__(self):
        return f"{self.key}: {self.count}"
