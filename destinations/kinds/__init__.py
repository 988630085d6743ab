"""The kinds of destinations: the format of each, and how it takes deliveries."""

from destinations.kinds.base import DestinationKind, Option, kind_of, kinds, register
from destinations.kinds.checks import InvalidDestination
from destinations.kinds.files import Files
from destinations.kinds.ga4 import GoogleAnalytics
from destinations.kinds.mixpanel import Mixpanel
from destinations.kinds.segment import Segment
from destinations.kinds.webhook import Webhook

__all__ = ["DestinationKind", "InvalidDestination", "Option", "kind_of", "kinds"]

for kind in (Webhook(), Segment(), GoogleAnalytics(), Mixpanel(), Files()):
    register(kind)
