"""What web processes and workers do first: they erase again the contacts of a restored backup."""

import logging
import os
import sys

from django.db import Error, connection

from contacts.models import Contact
from privacy.erasing_again import erase_again
from privacy.erasure_file import FileFault

# In the environment of processes whose parent has seen to it.
ERASED_AGAIN = "THROUGHLINE_ERASED_AGAIN"

_log = logging.getLogger(__name__)


def erase_again_before_serving() -> None:
    """Erase again whom a backup has brought back, unless the parent process has.

    Several processes that start at once do it in turn; those that come later find nothing to do.

    Without a database there is nobody to serve, so the process starts all the same.

    :raises SystemExit: if erasures cannot be matched; it says why
    """
    if os.environ.get(ERASED_AGAIN):
        return
    try:
        if _has_contacts():
            erase_again(_say)
    except FileFault as error:
        sys.exit(str(error))
    except Error as error:
        kind = type(error).__name__
        _log.warning("Nobody was looked for in the file of erasures: %s.", kind)


def _has_contacts() -> bool:
    """Whether the database was ever migrated: an empty one brings nobody back."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)", [Contact._meta.db_table])
        return cursor.fetchone()[0] is not None


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
