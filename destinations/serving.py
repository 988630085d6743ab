"""Serving destinations: a thread for each that gets something, which talks to the database.

`start` is the job: it hands queues to threads and returns, so no destination holds up a worker.
"""

import threading
import time
from collections.abc import Collection, Sequence
from datetime import datetime

from django.conf import settings
from django.db import Error, connection, transaction
from django.utils import timezone

from database.outages import is_away, is_conflict
from destinations.batching import batches_of
from destinations.control import pause_by_hub
from destinations.errors import leave_alone
from destinations.kinds import DestinationKind, kind_of
from destinations.marking import mark_next
from destinations.models import Delivery, Destination, Queue
from destinations.noting import Tried, note
from destinations.outcomes import Result
from destinations.queues import JOB, LEASE, lease_from_now, let_go, take
from destinations.resting import Health
from destinations.sending import Lane, close_loop, the_loop
from jobs.tasks import ring
from jobs.working import stopping

# Destinations at a time, in one process. Beyond them each gets its turn, of so many seconds.
_MOST_AT_A_TIME = 64
_SECONDS_OF_A_TURN = 5.0
# What is on its way when a worker ends has so long to be answered.
_SECONDS_TO_END = 4.0
_SECONDS_TO_FINISH = 6.0
# So long a worker holds on to what it knows while the database is away.
_SECONDS_TO_NOTE = 30.0
_SECONDS_BETWEEN_LOOKS = 0.5
# Deliveries that are marked together: as many as there are requests at a time to begin with, and
# more for a destination that is quick.
_MOST_MARKED = 500
_QUICK, _SLOW = 0.25, 1.0


class Serving:
    """One destination, whose deliveries go out until none is due, or it wants no more for now."""

    def __init__(self, destination_id: int, until: datetime):
        self.destination_id = destination_id
        self._until = until
        self._began_at = time.monotonic()
        # What came of deliveries, and is not in the database yet.
        self._tried: list[Tried] = []
        self._is_over = False
        # Whether it has been switched off or paused, as far as this thread has seen.
        self._is_unwanted = False
        # Whether the last look for deliveries has left any, and when it was.
        self._may_be_more = True
        self._looked_at = 0.0
        self._size = settings.DELIVERY_SLOTS
        self._sent_at = 0.0

    def run(self) -> None:
        """Have everything go out that is due. The queue has been taken until the time given."""
        try:
            self._serve()
        except Exception as error:  # of this destination alone; the others go on
            leave_alone(self.destination_id, self._until, self._tried, error)
        finally:
            _let_connection_go()

    def _serve(self) -> None:
        queue = Queue.objects.filter(pk=self.destination_id).first()
        if queue is None:
            return  # it went with its destination
        health = Health.of(queue, settings.DELIVERY_SLOTS)
        self._kept = _kept(health)
        self._lane = Lane(the_loop(), health)
        try:
            self._go_on()
        finally:
            self._lane.close()
        due_at = let_go(self.destination_id, self._until)
        if due_at is not None:
            _ring_at(due_at)

    def _go_on(self) -> None:
        """Take turns until there is nothing more to do."""
        cancel_at = float("inf")
        while True:
            if _process_ends() and cancel_at == float("inf"):
                self._end()
                cancel_at = time.monotonic() + _SECONDS_TO_END
            elif time.monotonic() > cancel_at:
                self._lane.cancel()
            elif _has_had_its_turn(self._began_at):
                self._end()
            self._lane.news.clear()
            self._tried += self._lane.take()
            if self._tried or self._wanted() or self._is_to_renew():
                self._take_turn()
            elif not self._lane.on_their_way:
                return
            if self._lane.on_their_way:
                _let_connection_go()
                self._lane.news.wait(_SECONDS_BETWEEN_LOOKS)

    def _end(self) -> None:
        self._is_over = True
        self._lane.close()

    def _wanted(self) -> int:
        """How many more deliveries could go out now."""
        health = self._lane.health
        if self._is_over or health.is_resting(timezone.now()):
            return 0
        if not self._may_be_more and time.monotonic() - self._looked_at < _SECONDS_BETWEEN_LOOKS:
            return 0
        on_their_way = len(self._lane.on_their_way)
        if health.width < health.most:
            return max(health.width - on_their_way, 0)
        return self._size if on_their_way <= self._size // 2 else 0

    def _is_to_renew(self) -> bool:
        return self._until - timezone.now() < LEASE / 2

    def _take_turn(self) -> None:
        """A turn; while the database is away this waits, and what came of requests is kept.

        :raises django.db.Error: if the database is away for too long, or refuses something
        """
        give_up_at = time.monotonic() + _SECONDS_TO_NOTE
        while True:
            try:
                return self._turn()
            except Error as error:
                if not (is_away(error) or is_conflict(error)) or time.monotonic() > give_up_at:
                    raise
                self._kept = {}  # it may not have been kept
                if is_away(error):
                    connection.close()
                    time.sleep(_SECONDS_BETWEEN_LOOKS)

    def _turn(self) -> None:
        """Note what has come of deliveries, and have the next ones go out: one transaction."""
        now = timezone.now()
        until = lease_from_now() if self._is_to_renew() else self._until
        deliveries: Sequence[Delivery] = []
        if any(one.outcome.result is Result.NOT_BEGUN for one in self._tried):
            self._may_be_more = True  # these are due again
        with transaction.atomic():
            note(self._tried, now)
            destination = self._read(until)
            if destination is not None:
                self._note_health(destination)
                if _may_send(destination):
                    deliveries = self._mark(destination, now)
        self._tried.clear()
        self._until = until
        if destination is None or not _may_send(destination):
            self._is_unwanted = True
            self._end()
        elif deliveries:
            self._send(destination, deliveries)

    def _read(self, until: datetime) -> Destination | None:
        """The destination as it is set up now, whose queue is this thread's until then.

        None if it is gone, or another worker has taken its queue.
        """
        held = Queue.objects.filter(pk=self.destination_id, served_until=self._until)
        if until != self._until and not held.update(served_until=until, due_at=until):
            return None
        found = Destination.objects.select_related("consent")
        return found.filter(pk=self.destination_id, queue__served_until=until).first()

    def _mark(self, destination: Destination, now: datetime) -> Sequence[Delivery]:
        """Mark those that can go out now, if there is room for any."""
        self._adapt(kind_of(destination))
        wanted = self._wanted()
        if not wanted:
            return []
        marked = mark_next(destination, most=wanted, besides=self._lane.on_their_way, now=now)
        self._may_be_more = not marked.is_all
        self._looked_at = time.monotonic()
        return marked.deliveries

    def _adapt(self, kind: DestinationKind) -> None:
        """Let as many be marked together as go out within a moment."""
        if not self._wanted():
            return
        least = min(settings.DELIVERY_SLOTS * kind.most_at_once, _MOST_MARKED)
        seconds = time.monotonic() - self._sent_at
        if self._sent_at and seconds < _QUICK:
            self._size = min(self._size * 2, max(_MOST_MARKED, kind.most_at_once))
        elif seconds > _SLOW:
            self._size = self._size // 2
        self._size = max(self._size, least)

    def _send(self, destination: Destination, deliveries: Sequence[Delivery]) -> None:
        is_recovering = self._lane.health.width < self._lane.health.most
        batches = batches_of(destination, deliveries, one_by_one=is_recovering)
        self._sent_at = time.monotonic()
        self._lane.send(batches, low=self._size // 2)

    def _note_health(self, destination: Destination) -> None:
        """Keep how the destination is doing, and pause it if it wants nothing any more."""
        health = self._lane.health
        kept = _kept(health)
        if self._is_unwanted or not _may_send(destination):
            # A user may have resumed it since, and how it has failed is forgotten then.
            kept = {"last_delivered_at": kept["last_delivered_at"]}
        if kept != self._kept:
            Queue.objects.filter(pk=destination.pk).update(**kept)
            self._kept = kept
        if self._is_over:
            return  # a user may have resumed it since
        if health.is_gone:
            pause_by_hub(destination, Destination.PausedBy.GONE)
        elif health.is_given_up:
            pause_by_hub(destination, Destination.PausedBy.FAILURES)


def _may_send(destination: Destination) -> bool:
    return destination.enabled and destination.paused_at is None


def _kept(health: Health) -> dict[str, object]:
    """What is kept of it in the queue. A time of delivery counts to the second."""
    delivered_at = health.last_delivered_at
    return {
        "failures": health.failures,
        "failing_since": health.failing_since,
        "last_delivered_at": delivered_at and delivered_at.replace(microsecond=0),
        "rests_until": health.rests_until,
    }


def _let_connection_go() -> None:
    """Keep no connection while nothing is asked, as there may be more threads than connections."""
    if not connection.in_atomic_block:
        connection.close()


def _ring_at(due_at: datetime) -> None:
    """Wake a worker at that time, if no sweep would do so before."""
    seconds = (due_at - timezone.now()).total_seconds()
    if seconds <= 0:
        ring(JOB)
    elif seconds <= settings.SWEEP_SECONDS:
        the_loop().call_in(seconds, lambda: ring(JOB))


_servings: dict[int, Serving] = {}
_mutex = threading.Condition()
_ends = threading.Event()
_is_crowded = threading.Event()


def start(destination_ids: Collection[int]) -> None:
    """Have the deliveries of these destinations go out, each in a thread of its own."""
    with _mutex:
        others = [key for key in destination_ids if key not in _servings]
        room = _MOST_AT_A_TIME - len(_servings)
        if len(others) > room:
            _is_crowded.set()
        else:
            _is_crowded.clear()
        until = lease_from_now()
        for key in take(others[:room], until):
            _servings[key] = Serving(key, until)
            threading.Thread(target=_run, args=[_servings[key]], daemon=True).start()


def finish(seconds: float = _SECONDS_TO_FINISH) -> bool:
    """End what goes out of this process, and tell whether it ended in time."""
    _ends.set()
    try:
        with _mutex:
            is_done = _mutex.wait_for(lambda: not _servings, seconds)
        if is_done:
            close_loop()
        return is_done
    finally:
        _ends.clear()


def _run(serving: Serving) -> None:
    try:
        serving.run()
    finally:
        with _mutex:
            del _servings[serving.destination_id]
            _mutex.notify_all()
        if _is_crowded.is_set():
            ring(JOB)


def _process_ends() -> bool:
    return stopping.is_set() or _ends.is_set()


def _has_had_its_turn(began_at: float) -> bool:
    """Whether a thread has to end because other destinations wait for one."""
    return _is_crowded.is_set() and time.monotonic() - began_at > _SECONDS_OF_A_TURN
