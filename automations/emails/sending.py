"""Sending: workers hand prepared emails over, each under a mark that was committed before.

*Prepared* → *handing over*, with a lease → *sent*, *failed*, or *prepared* again for later. Between
the answer of a mail server and the commit that notes it, a worker may die. An email that is still
*handing over* when its lease ends is therefore *uncertain*, and so is one whose connection broke
while its answer was awaited. What a contact has asked for is then sent again under the same
Message-ID; other emails are not. Either way `times_uncertain` keeps the count.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from threading import Lock

from automations.emails.noting import note_uncertain
from automations.emails.rounds import Round
from automations.emails.waking import ring_for_emails

# Each of the two jobs has one thread of a process; another one that comes leaves it the work.
_turns = {True: Lock(), False: Lock()}
_missed = {True: False, False: False}


def send_emails(keys: Collection[int]) -> None:
    """Hand over those of these emails that may be sent now."""
    _send(keys, is_transactional=False)


def send_transactional_emails(keys: Collection[int]) -> None:
    """The same for emails that contacts have asked for, which wait for no others."""
    _send(keys, is_transactional=True)


def _send(keys: Collection[int], *, is_transactional: bool) -> None:
    with _turn(is_transactional) as is_mine:
        if is_mine:
            note_uncertain(keys)
            Round(keys, is_transactional=is_transactional).run()


@contextmanager
def _turn(is_transactional: bool) -> Iterator[bool]:
    """Whether this thread may send; if another one does, that one rings again at its end."""
    lock = _turns[is_transactional]
    if not lock.acquire(blocking=False):
        _missed[is_transactional] = True
        yield False
        return
    try:
        yield True
    finally:
        lock.release()
        if _missed[is_transactional]:
            _missed[is_transactional] = False
            ring_for_emails(is_transactional)
