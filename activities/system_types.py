"""The activity types that the hub itself gives a meaning to."""

from django.db import models


class SystemType(models.TextChoices):
    """The activity types that the hub itself gives a meaning to."""

    PAGE_VISIT = "pagevisit", "Page visit"
    LANDING_PAGE = "landingpage", "Landing page"
    CLICK = "click", "Click"
    DATA_INPUT = "datainput", "Data input"
