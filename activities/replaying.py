"""Replays: what was refused is recorded once it would be accepted, each line once.

A replay is a row; a worker takes its lines in the order in which they came, a hundred in a
transaction, in which they are also marked. So whatever dies, no line is recorded twice: and the ids
by which lines count once stay claimed.
"""

import time
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta
from typing import NamedTuple

import msgspec
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from activities.corrections import enabled_corrections
from activities.models import ActivityClaim
from activities.problems import InvalidActivity
from activities.reading_again import CannotReplay, can_be_replayed, read_line, submissions_of
from activities.recording import record_again
from activities.rejections import RejectedActivity, Replay
from activities.specification import types_named
from activities.submissions import Submission, Written
from consents.agreements import answers_to
from consents.permission import find_obstacle
from contacts.resolving import (
    UnknownContact,
    follow_merged,
    is_about_an_erased_contact,
    live_ids,
)
from database.questions import ask
from jobs.tasks import ring
from jobs.working import stopping

_Replayed = RejectedActivity.Replayed
_AT_A_TIME = 100
_LEASE = timedelta(minutes=1)
# So many lines of a cause are looked at, for so long, to say how many would pass.
MOST_CHECKED = 2_000
_MOST_SECONDS = 2.0
_ERASED = InvalidActivity(UnknownContact().code, "", "The contact was erased, or never was.")
_CONSENT = InvalidActivity(
    "consent", "", "The contact has not agreed to the tracking consent, or revoked it."
)


class Cause(NamedTuple):
    """Why lines were refused: those that have all of this in common."""

    door: str
    channel_id: int | None
    code: str
    field: str
    named: str

    @property
    def lines(self) -> QuerySet[RejectedActivity]:
        """The lines that were refused for it."""
        return RejectedActivity.objects.filter(**self._asdict())


class Checked(msgspec.Struct):
    """How many of the lines that were looked at would pass now, and why the others would not."""

    looked_at: int = 0
    would_pass: int = 0
    without_id: int = 0
    reasons: Counter[str] = msgspec.field(default_factory=Counter)


class _Result(NamedTuple):
    outcome: str
    activity_id: int | None = None
    code: str = ""
    reason: str = ""


def cause_of(line: RejectedActivity) -> Cause:
    """The cause that a line has in common with others."""
    return Cause(line.door, line.channel_id, line.code, line.field, line.named)


def request_replay(cause: Cause, by: User | None, *, line: int | None = None) -> Replay | None:
    """Ask for the lines of `cause`, or for one of them, to be recorded again.

    Returns the replay, or the one that is waiting; None if none of these lines can be replayed.
    """
    lines = cause.lines.filter(can_be_replayed())
    if line is not None:
        lines = lines.filter(pk=line)
    newest = lines.order_by("-pk").values_list("pk", flat=True).first()
    if newest is None:
        return None
    given = {**cause._asdict(), "line": line}
    try:
        with transaction.atomic():
            replay = Replay.objects.create(
                **given, newest=newest, total=lines.count(), requested_by=by
            )
    except IntegrityError:  # one_waiting_replay_per_cause
        return Replay.objects.filter(**given, status=Replay.Status.WAITING).first()
    ring("replays")
    return replay


def stop_replay(replay: Replay) -> bool:
    """Replay no more lines of it, and return whether it was still at it."""
    waiting = Replay.objects.filter(pk=replay.pk, status=Replay.Status.WAITING)
    return bool(waiting.update(status=Replay.Status.STOPPED, finished_at=timezone.now()))


def replay_lines(keys: Collection[int]) -> None:
    """Carry out these replays, as far as they wait and no other worker is at them."""
    for key in keys:
        while not stopping.is_set() and _go_on(key):
            pass


def forget_old_replays() -> int:
    """Delete the replays whose lines are forgotten, and return how many rows that were."""
    over = Replay.objects.exclude(status=Replay.Status.WAITING)
    is_kept = RejectedActivity.objects.filter(replay__isnull=False).values("replay")
    old = over.filter(finished_at__lt=timezone.now() - timedelta(days=1)).exclude(pk__in=is_kept)
    return old.delete()[0]


def check_again(lines: Iterable[RejectedActivity]) -> Checked:
    """How many of these lines would be recorded now, and why not the others. Nothing is written.

    It looks at lines for a few seconds: some formats ask who is named by each.
    """
    result = Checked()
    pending: list[list[Submission]] = []
    ends_at = time.monotonic() + _MOST_SECONDS
    for line in lines:
        if time.monotonic() > ends_at:
            break
        result.looked_at += 1
        result.without_id += "id" not in (line.context or {})
        try:
            pending.append(submissions_of(line, read_line(line, is_dry=True)))
        except (CannotReplay, InvalidActivity) as error:
            result.reasons[_told(error)] += 1
    for problem in _problems_of(pending):
        if problem is None:
            result.would_pass += 1
        else:
            result.reasons[_told(problem)] += 1
    return result


def _told(error: Exception) -> str:
    return error.detail if isinstance(error, InvalidActivity) else str(error)


def _problems_of(pending: Sequence[Sequence[Submission]]) -> list[InvalidActivity | None]:
    """The first problem that each line would have, in a few questions for all of them."""
    every = [submission for of_line in pending for submission in of_line]
    guids = {one.contact_guid for one in every if one.contact_guid.int}
    (known, (people, merged)) = ask(
        types_named({name for one in every for name in one.names}), live_ids(guids)
    )
    if merged:
        people |= ask(follow_merged(merged))[0]
    pairs = {
        (people[one.contact_guid], consent_id)
        for one in every
        if one.contact_guid in people and (consent_id := one.source.asked_consent_id)
    }
    answers = ask(answers_to(pairs))[0] if pairs else {}
    types_of = {id(one): known.of(one.source.door, one.source.channel.id) for one in every}
    may_help = any(one.may_be_corrected(types_of[id(one)]) for one in every)
    rules = ask(enabled_corrections())[0] if may_help else []

    def problem_of(one: Submission) -> InvalidActivity | None:
        contact_id = people.get(one.contact_guid)
        if contact_id is None and one.contact_guid.int:
            return _ERASED
        answer = answers.get((contact_id or 0, one.source.channel.tracking_consent_id or 0))
        has_agreed = answer.agreed if answer else None
        if find_obstacle(one.source.channel, has_agreed, asks=one.source.asks):
            return _CONSENT
        if rules:
            one.correct(types_of[id(one)], rules)
        (checked,) = one.check(types_of[id(one)])
        if not isinstance(checked, InvalidActivity):
            return None
        is_new = checked.code == "unknown_type" and one.source.names_types is not None
        return None if is_new and one.source.channel.accepts_new_event_names else checked

    return [
        next((problem for one in of_line if (problem := problem_of(one))), None)
        for of_line in pending
    ]


def _go_on(key: int) -> bool:
    """Replay the next lines; return whether there may be more."""
    replay = Replay.objects.filter(pk=key, status=Replay.Status.WAITING).first()
    if replay is None:
        return False
    lines = list(_next_lines(replay))
    read = {line.pk: _read(line) for line in lines}
    try:
        return _record(key, lines, read)
    except IntegrityError as error:
        if not is_about_an_erased_contact(error):
            raise
    # Somebody is erased in this moment: who that is shows when each is recorded by itself.
    for line in lines:
        try:
            _record(key, [line], read)
        except IntegrityError as error:
            if not is_about_an_erased_contact(error):
                raise
            _record(key, [line], {line.pk: _refused(_ERASED)})
    return bool(lines)


def _next_lines(replay: Replay) -> QuerySet[RejectedActivity]:
    cause = Cause(replay.door, replay.channel_id, replay.code, replay.field, replay.named)
    lines = cause.lines.filter(can_be_replayed(), pk__lte=replay.newest)
    if replay.line is not None:
        lines = lines.filter(pk=replay.line)
    if replay.position_at is not None:
        place = Q(at__gt=replay.position_at) | Q(at=replay.position_at, pk__gt=replay.position_id)
        lines = lines.filter(place, at__gte=replay.position_at)
    return lines.select_related("channel__tracking_consent").order_by("at", "pk")[:_AT_A_TIME]


def _read(line: RejectedActivity) -> list[Submission] | _Result:
    """What is submitted of a line; contacts that it names are made, in other transactions."""
    try:
        return submissions_of(line, read_line(line, is_dry=False))
    except InvalidActivity as problem:
        return _refused(problem)
    except CannotReplay as reason:
        return _Result(_Replayed.FAILED, None, "", str(reason))


@transaction.atomic
def _record(
    key: int, lines: Sequence[RejectedActivity], read: dict[int, list[Submission] | _Result]
) -> bool:
    """Record and mark these lines, as far as nobody else did; return whether there were some."""
    waiting = Replay.objects.filter(pk=key, status=Replay.Status.WAITING)
    # Two workers who come here one after the other find the lines of the first one marked.
    replay = waiting.select_for_update().first()
    if replay is None:
        return False
    if not lines:
        waiting.update(status=Replay.Status.DONE, finished_at=timezone.now(), attempts=0)
        return False
    locked = RejectedActivity.objects.filter(can_be_replayed(), pk__in=[one.pk for one in lines])
    free = set(locked.select_for_update(of=("self",)).values_list("pk", flat=True))
    todo = [one for one in lines if one.pk in free]
    results = _results_of(todo, read)
    for line in todo:
        result = results[line.pk]
        line.replay_id, line.replayed, line.replayed_as = key, result.outcome, result.activity_id
        line.replay_code, line.replay_reason = result.code[:50], result.reason
    fields = ["replay", "replayed", "replayed_as", "replay_code", "replay_reason"]
    RejectedActivity.objects.bulk_update(todo, fields)
    counts = Counter(result.outcome for result in results.values())
    waiting.update(
        recorded=replay.recorded + counts[_Replayed.RECORDED],
        repeated=replay.repeated + counts[_Replayed.REPEATED],
        failed=replay.failed + counts[_Replayed.FAILED],
        position_at=lines[-1].at,
        position_id=lines[-1].pk,
        # No other worker takes it up as long as this one goes on.
        due_at=Now() + _LEASE,
    )
    return True


def _results_of(
    lines: Sequence[RejectedActivity], read: dict[int, list[Submission] | _Result]
) -> dict[int, _Result]:
    """Record the activities of these lines in order, and say what became of each line."""
    results: dict[int, _Result] = {}
    submitted: list[tuple[RejectedActivity, Submission]] = []
    for line in lines:
        found = read[line.pk]
        if isinstance(found, _Result):
            results[line.pk] = found
        else:
            submitted += [(line, one) for one in found]
    written = record_again([one for _, one in submitted])
    known = _claimed([one for _, one in submitted])
    of_lines: dict[int, list[_Result]] = {}
    for (line, one), outcome in zip(submitted, written, strict=True):
        of_lines.setdefault(line.pk, []).append(_result(one, outcome, known))
    return results | {pk: _together(of_line) for pk, of_line in of_lines.items()}


def _result(submission: Submission, written: Written | None, known: dict[tuple, int]) -> _Result:
    if written is None:
        return _refused(_ERASED)
    (outcome,) = written.outcomes
    if outcome.problem:
        return _refused(outcome.problem)
    if outcome.activity_id is not None:
        return _Result(_Replayed.RECORDED, outcome.activity_id)
    claimed = known.get((submission.source.channel.pk, submission.claimed_id))
    return _Result(_Replayed.REPEATED, claimed)


def _together(results: Sequence[_Result]) -> _Result:
    """What became of a line with several activities: what is wrong with one of them counts most."""
    order = (_Replayed.RECORDED, _Replayed.FAILED, _Replayed.REPEATED)
    best = min(results, key=lambda one: order.index(_Replayed(one.outcome)))
    failed = [one for one in results if one.outcome == _Replayed.FAILED]
    if len(results) == 1 or not failed or best.outcome == _Replayed.FAILED:
        return best
    reason = (
        f"{len(failed)} of its {len(results)} activities were refused again: {failed[0].reason}"
    )
    return best._replace(code=failed[0].code, reason=reason)


def _claimed(submissions: Sequence[Submission]) -> dict[tuple, int]:
    """The activities that have the ids of these, by channel and id."""
    ids = {one.claimed_id for one in submissions} - {None}
    channels = {one.source.channel.pk for one in submissions}
    claims = ActivityClaim.objects.filter(channel_id__in=channels, client_id__in=ids)
    return {
        (channel_id, client_id): activity_id
        for channel_id, client_id, activity_id in claims.values_list(
            "channel_id", "client_id", "activity_id"
        )
    }


def _refused(problem: InvalidActivity) -> _Result:
    return _Result(_Replayed.FAILED, None, problem.code, problem.detail)
