"""How other systems are understood, and “Settings, Tracking”: what their developers copy."""

# These add to the page of a channel and to the sidebar.
from tracking.admin import channel_cards, navigation  # noqa: F401
from tracking.admin.consent_category import ConsentCategoryAdmin
from tracking.admin.user_property import UserPropertyAdmin

__all__ = ["ConsentCategoryAdmin", "UserPropertyAdmin"]
