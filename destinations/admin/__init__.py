"""Destinations and deliveries in the admin."""

# These add to the sidebar and the dashboard, and to the pages of other apps.
from destinations.admin import (  # noqa: F401
    consequences,
    contact_section,
    dashboard,
    navigation,
    timeline,
    uses,
)
from destinations.admin.delivery import DeliveryAdmin
from destinations.admin.destination import DestinationAdmin

__all__ = ["DeliveryAdmin", "DestinationAdmin"]
