"""What the parts of the hub know of each other."""

from django.db import models


class Heartbeat(models.Model):
    """When scheduler, broker and worker last worked together; the only row of its table."""

    beaten_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(pk=1), name="there_is_one_heartbeat")
        ]

    def __str__(self):
        return str(self.beaten_at)
