"""Fixtures of the tests of automations."""

from tests.automations.mailbox import mailbox

__all__ = ["mailbox"]
