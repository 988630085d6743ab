"""What web processes and workers do first: they erase again the contacts of a restored backup.

A process that starts while its database is away does so as soon as that is there, and until then
does nothing with it.
"""

import logging
import os
import sys
import threading
import time

from django.db import Error, connection, connections

from contacts.models import Contact
from database import reserved
from privacy.erasing_again import erase_again
from privacy.erasure_file import FileFault

# In the environment of processes whose parent has seen to it.
ERASED_AGAIN = "THROUGHLINE_ERASED_AGAIN"

_SECONDS_BETWEEN_ATTEMPTS = 0.5
# Of the database, as /health/ready says it.
_WHY = "not used before erased people were looked for"

_log = logging.getLogger(__name__)


def erase_again_before_serving() -> bool:
    """Erase again whom a backup has brought back, unless the parent process has.

    Several processes that start at once do it in turn; those that come later find nothing to do.

    :return: whether that is done; it is not if the database is away: then `do_without_database`
    :raises SystemExit: if erasures cannot be matched; it says why
    """
    return not _try()


def do_without_database() -> None:
    """Go on as if the database was away until a thread has found it there and erased again.

    So links in emails lead on, and who needs the database is told to come again.
    """
    thread = threading.Thread(target=_open_when_erased_again, name="erasing again", daemon=True)
    reserved.reserve(thread, _WHY)
    thread.start()


def erase_again_before_working() -> None:
    """The same for a worker: it has nothing to do without the database, and waits for it.

    :raises SystemExit: if erasures cannot be matched; it says why
    """
    known = ""
    while obstacle := _try():
        if obstacle != known:
            _log.warning("Nobody was looked for in the file of erasures yet: %s.", obstacle)
        known = obstacle
        time.sleep(_SECONDS_BETWEEN_ATTEMPTS)


def _open_when_erased_again() -> None:
    try:
        erase_again_before_working()
    except SystemExit as end:
        _end(str(end))
    except Exception:
        # Any kind: by itself it would end this thread only, and nobody would look again.
        _log.exception("Whom a backup has brought back cannot be erased again.")
        _end("The process ends.")
    else:
        reserved.open_to_all()
        _say("Erased people have been looked for. The hub serves.")
    finally:
        connections.close_all()


def _end(text: str) -> None:
    _say(text)
    # From a thread nothing else ends the process. All that it has answered is to come again.
    os._exit(1)


def _try() -> str:
    """Erase again; return what was in the way, or ""."""
    if os.environ.get(ERASED_AGAIN):
        return ""
    try:
        if _has_contacts():
            erase_again(_say)
    except FileFault as error:
        sys.exit(str(error))
    except Error as error:
        # One that broke would not come back by itself.
        connections.close_all()
        return type(error).__name__
    return ""


def _has_contacts() -> bool:
    """Whether the database was ever migrated: an empty one brings nobody back."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)", [Contact._meta.db_table])
        return cursor.fetchone()[0] is not None


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
