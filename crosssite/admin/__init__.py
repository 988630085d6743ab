"""Tracked sites in the admin: their pages, the snippet, and the site doctor."""

# These add to the sidebar and to the dashboard.
from crosssite.admin import dashboard, navigation  # noqa: F401
from crosssite.admin.tracked_site import TrackedSiteAdmin

__all__ = ["TrackedSiteAdmin"]
