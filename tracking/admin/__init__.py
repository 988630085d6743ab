"""How other systems are understood, and “Settings, Tracking”: what their developers copy."""

from tracking.admin import channel_cards  # noqa: F401 -- adds a link to the page of a channel
from tracking.admin.consent_category import ConsentCategoryAdmin
from tracking.admin.user_property import UserPropertyAdmin

__all__ = ["ConsentCategoryAdmin", "UserPropertyAdmin"]
