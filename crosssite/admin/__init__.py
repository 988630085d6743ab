"""Tracked sites in the admin: their pages, the snippet, and the site doctor."""

from crosssite.admin.tracked_site import TrackedSiteAdmin

__all__ = ["TrackedSiteAdmin"]
