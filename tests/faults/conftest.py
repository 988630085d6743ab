"""What tests begin with that kill parts of a hub."""

from tests.destinations.conftest import loopback

__all__ = ["loopback"]
