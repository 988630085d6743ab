"""Other websites whose visitors report to a website channel from the browser."""

from django.db import models
from django.db.models.functions import Lower


class TrackedSite(models.Model):
    """Another website whose visitors report to a website channel."""

    name = models.CharField(max_length=200)
    code_name = models.SlugField(max_length=100)
    url = models.CharField(
        "URL",
        max_length=400,
        help_text="The origin of the website, such as https://shop.example.com, without a path.",
    )
    description = models.TextField(blank=True)
    channel = models.ForeignKey(
        "channels.Channel",
        models.PROTECT,
        related_name="tracked_sites",
        limit_choices_to={"kind": "website"},
    )
    enabled = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("code_name"), name="one_tracked_site_per_code_name"),
            models.UniqueConstraint("channel", Lower("url"), name="one_tracked_site_per_url"),
        ]

    def __str__(self) -> str:
        return self.name
