"""A round of sending: one thread marks emails and notes results, others talk to the mail server."""

import time
from collections import deque
from collections.abc import Collection
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from queue import SimpleQueue

from django.conf import settings
from django.core.mail import get_connection
from django.core.mail.backends import smtp
from django.db import Error, connection, transaction
from django.utils import timezone

from automations.emails.handing_over import CannotConnect, Line, Outcome, Result
from automations.emails.messages import HubMessage
from automations.emails.noting import Attempt, mark, note, put_off, put_off_all
from automations.emails.pacing import is_limited, take_leave
from automations.emails.permission import lock_below_cap
from automations.emails.providers import BackendLine
from automations.emails.readying import Ready, make_ready
from automations.emails.smtp import SmtpLine
from database.outages import is_away
from jobs.working import stopping

# Then the worker looks after something else, and comes back.
_SECONDS_AT_A_TIME = 5.0
# For so long it counts that an email may be sent.
_SECONDS_READY = 1.0
_READY_AT_ONCE = 100
_LONGEST_NAP = 1.0
# An unreachable mail server is tried again after this.
_UNREACHABLE = timedelta(seconds=30)
# For so long a worker holds on to results while the database is away.
_SECONDS_TO_NOTE = 30.0
_SECONDS_BETWEEN_LOOKS = 0.5


@dataclass(frozen=True)
class _Talk:
    """What a thread has done: connected, or handed an email over."""

    line: Line
    attempt: Attempt | None = None
    outcome: Outcome | None = None
    unreachable: str = ""


class Round:
    """Some emails on their way over several connections.

    :ivar todo: keys of emails, the next one first
    :ivar ready: the emails that may be sent, and since when that counts
    :ivar free: connections that wait for an email
    :ivar results: what came of attempts, and is not in the database yet
    :ivar broke: emails whose connection broke, which are tried `again` at once, but once
    """

    def __init__(self, keys: Collection[int], *, is_transactional: bool):
        self.todo = deque(keys)
        self.is_transactional = is_transactional
        self.ready: deque[Ready] = deque()
        self.ready_since = 0.0
        self.ends_at = time.monotonic() + _SECONDS_AT_A_TIME
        self.pending = 0
        self.done: SimpleQueue[Future[_Talk]] = SimpleQueue()
        self.free: list[Line] = []
        self.results: list[tuple[Attempt, Outcome]] = []
        self.broke: set[int] = set()
        self.again: list[int] = []
        self.unreachable = ""

    def run(self) -> None:
        """Send until nothing is left, the time is over, or the mail server is away.

        :raises django.db.Error: if the database went away, or refused something
        """
        self._look()
        if not self.ready:
            return
        count = min(settings.EMAIL_CONNECTIONS, len(self.ready))
        lines = [_line() for _ in range(count)]
        with ThreadPoolExecutor(count, thread_name_prefix="emails") as threads:
            try:
                for line in lines:
                    self._start(threads.submit(_connect, line))
                self._go_on(threads)
            except Error as error:
                self._note_one_by_one(error)
                raise
            finally:
                for line in lines:
                    threads.submit(line.close)
        if self.unreachable and not self.free:
            self._put_back()
            put_off_all(self.todo, self.unreachable, timezone.now() + _UNREACHABLE)

    def _go_on(self, threads: ThreadPoolExecutor) -> None:
        """Hand over until no thread has anything to do any more."""
        while True:
            more_at = self._mark(threads)
            if self.pending:
                self._take()
            elif more_at is None or not self._await(more_at):
                return

    def _start(self, future: Future[_Talk]) -> None:
        self.pending += 1
        future.add_done_callback(self.done.put)

    def _take(self) -> None:
        """Wait until a thread is done, and take what came of attempts, and of connecting."""
        talks = [self.done.get().result()]
        while not self.done.empty():
            talks.append(self.done.get().result())
        for talk in talks:
            self.pending -= 1
            if talk.attempt is not None and talk.outcome is not None:
                self.results.append((talk.attempt, self._at_once(talk.attempt, talk.outcome)))
            if talk.unreachable:
                self.unreachable = talk.unreachable
            else:
                self.free.append(talk.line)

    def _at_once(self, attempt: Attempt, outcome: Outcome) -> Outcome:
        """The outcome, of a connection that broke for the first time that it is tried at once."""
        pk = attempt.email.pk
        if outcome.result is not Result.BROKE_BEFORE or pk in self.broke:
            return outcome
        self.broke.add(pk)
        self.again.append(pk)
        return Outcome(Result.NOT_BEGUN)

    def _mark(self, threads: ThreadPoolExecutor) -> datetime | None:
        """Note results and mark the next emails in one transaction, and have these handed over.

        :return: when more emails may leave, if that keeps some from it now
        """
        if self.again:
            self._prepare_again()
        if not self._can_note_with_marks():
            self._note()
        wanted = self._wanted()
        if not wanted and not self.results:
            return None
        with transaction.atomic():
            leave = take_leave(wanted, is_transactional=self.is_transactional)
            emails = [self.ready[number].email for number in range(leave.count)]
            attempts = mark(lock_below_cap(emails), self.results)
        self.results.clear()
        for _ in range(leave.count):
            one = self.ready.popleft()
            if attempt := attempts.get(one.email.pk):
                self._start(threads.submit(_hand_over, self.free.pop(), attempt, one.message))
        return leave.more_at

    def _prepare_again(self) -> None:
        """Make those the next ones that were not handed over because the connection broke."""
        self._note()
        self.todo.extendleft(self.again)
        self.again.clear()

    def _can_note_with_marks(self) -> bool:
        """Whether results may be noted in the round trip that marks the next emails.

        Where a contact may get so many emails a week, marking locks contacts, and notes have locked
        emails. Notes may wait for a contact, which must not hold up all workers that share a rate.
        """
        if settings.EMAILS_PER_CONTACT_AND_WEEK or is_limited():
            return False
        return all(outcome.result is Result.SENT for _, outcome in self.results)

    def _note(self) -> None:
        with transaction.atomic():
            note(self.results)
        self.results.clear()

    def _wanted(self) -> int:
        """How many emails could be handed over now."""
        if not self.free or self._is_over():
            return 0
        if time.monotonic() - self.ready_since > _SECONDS_READY:
            self._put_back()
        if not self.ready:
            self._look()
        return min(len(self.ready), len(self.free))

    def _look(self) -> None:
        """Find out which of the next emails may be sent."""
        while self.todo and not self.ready:
            keys = [self.todo.popleft() for _ in range(min(_READY_AT_ONCE, len(self.todo)))]
            found, later = make_ready(keys)
            self.ready.extend(found)
            self.todo.extendleft(reversed(later))
        self.ready_since = time.monotonic()

    def _put_back(self) -> None:
        self.todo.extendleft(one.email.pk for one in reversed(self.ready))
        self.ready.clear()

    def _is_over(self) -> bool:
        return stopping.is_set() or time.monotonic() > self.ends_at

    def _await(self, more_at: datetime) -> bool:
        """Wait until more emails may leave; if that is long, put them off, and return False."""
        seconds = (more_at - timezone.now()).total_seconds()
        if self._is_over():
            return False
        if seconds > _LONGEST_NAP:
            self._put_back()
            put_off(self.todo, more_at)
            return False
        time.sleep(max(seconds, 0))
        return True

    def _note_one_by_one(self, error: Error) -> None:
        """Keep what mail servers have said after the database has refused, or gone away.

        While it is away this waits. What is not noted in time, or refused by itself, is uncertain.
        """
        while self.pending:
            self._take()
        if is_away(error):
            connection.close()
        ends_at = time.monotonic() + _SECONDS_TO_NOTE
        for result in self.results:
            _note_alone(result, ends_at)


def _note_alone(result: tuple[Attempt, Outcome], ends_at: float) -> None:
    while time.monotonic() < ends_at:
        try:
            with transaction.atomic():
                note([result])
        except Error as error:
            if not is_away(error):
                return
            connection.close()
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        else:
            return


def _line() -> Line:
    backend = get_connection()
    return SmtpLine(backend) if isinstance(backend, smtp.EmailBackend) else BackendLine(backend)


def _connect(line: Line) -> _Talk:
    try:
        line.open()
    except CannotConnect as error:
        return _Talk(line, unreachable=str(error))
    return _Talk(line)


def _hand_over(line: Line, attempt: Attempt, message: HubMessage) -> _Talk:
    """Hand an email over, and connect again if the connection broke."""
    try:
        outcome = line.hand_over(message)
    except Exception as error:
        # Any kind: an error that left here would lose what came of the other emails of the round.
        line.close()
        outcome = Outcome(Result.UNCERTAIN, type(error).__name__)
    return replace(_connect(line), attempt=attempt, outcome=outcome)
