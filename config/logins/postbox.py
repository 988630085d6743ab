"""Emails about logins: a thread sends them, and no request waits for a mail server."""

import contextvars
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from smtplib import SMTPException

from django.db import connections

_log = logging.getLogger(__name__)

# One after the other. How many come is limited where they are asked for.
_thread = ThreadPoolExecutor(1, thread_name_prefix="postbox")


def post(send: Callable[[], object]) -> None:
    """Have `send` called soon, with the request that is answered now; return at once.

    So the answer takes as long for an email of nobody as for that of a user. An email that cannot
    be sent leaves a line in the log: what the user did is done all the same.
    """
    _thread.submit(contextvars.copy_context().run, _try, send)


def wait_until_sent() -> None:
    """Return when what was posted until now was sent, or could not be."""
    _thread.submit(lambda: None).result()


def _try(send: Callable[[], object]) -> None:
    try:
        send()
    except (OSError, SMTPException) as error:
        # The text of such an error may have the address.
        _log.error("An email about a login could not be sent: %s", type(error).__name__)
    except Exception:
        # Any kind: the executor keeps what a task raises to itself, so no operator would see it.
        _log.exception("An email about a login could not be made.")
    finally:
        connections.close_all()
