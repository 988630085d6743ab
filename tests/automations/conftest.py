"""Fixtures of the tests of automations."""

from tests.automations.broadcasts import ada, ben
from tests.automations.mailbox import mailbox

__all__ = ["ada", "ben", "mailbox"]
