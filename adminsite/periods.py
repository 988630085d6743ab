"""The period that a dashboard is about, and the one before that it is compared with."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property

from django.http import HttpRequest
from django.template.defaultfilters import date as format_date
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

# A longer one is refused: with the one before it, that is what counts are kept for.
LONGEST_DAYS = 190
_LAST_DAYS = (7, 30, 90)


class BadPeriod(Exception):
    """It is no period; the message says why."""


@dataclass(frozen=True)
class Span:
    """From `since` on, and before `until`."""

    since: datetime
    until: datetime


@dataclass(frozen=True)
class Bucket(Span):
    """An hour or a day of a period, as a bar of a chart stands for it."""

    name: str
    key: str


@dataclass(frozen=True)
class Period(Span):
    """Some days of the user's time zone, of which the last may go on.

    `key` is what an address calls it, `name` what people do. It has ended or goes on (`is_open`).
    """

    key: str
    name: str
    is_open: bool

    @property
    def first_day(self) -> date:
        return timezone.localtime(self.since).date()

    @property
    def last_day(self) -> date:
        return timezone.localtime(self.until - timedelta(microseconds=1)).date()

    @property
    def days(self) -> int:
        return (self.last_day - self.first_day).days + 1

    @cached_property
    def before(self) -> Span:
        """As many days before it, up to the same time of day."""
        since = _midnight(self.first_day - timedelta(days=self.days))
        if not self.is_open:
            return Span(since, self.since)
        until = timezone.localtime(self.until).replace(tzinfo=None) - timedelta(days=self.days)
        return Span(since, timezone.make_aware(until))

    @property
    def before_name(self) -> str:
        """What people call the period before."""
        until = f", up to {_time(self.before.until)}" if self.is_open else ""
        if self.days > 1:
            return f"the {self.days} days before{until}"
        return f"{_day(timezone.localtime(self.before.since).date())}{until}"

    @cached_property
    def buckets(self) -> list[Bucket]:
        """Its hours if it is of one day, else its days; also those that are still to come today."""
        if self.days > 1:
            days = [self.first_day + timedelta(days=number) for number in range(self.days)]
            return [
                Bucket(_midnight(day), _midnight(day + timedelta(days=1)), _day(day), _key(day))
                for day in days
            ]
        end, at, found = _midnight(self.first_day + timedelta(days=1)), self.since, []
        while at < end:
            until = at + timedelta(hours=1)
            found.append(Bucket(at, until, f"{_time(at)} to {_time(until)}", _hour_key(at)))
            at = until
        return found

    def query(self, field: str) -> str:
        """The parameters by which a list with a `TimeRangeFilter` of `field` shows this period."""
        return query_of(self, field)


def query_of(span: Span, field: str) -> str:
    """The parameters by which a list with a `TimeRangeFilter` of `field` shows this span."""
    since, until = timezone.localtime(span.since), timezone.localtime(span.until)
    # The last minute belongs to the range of such a filter.
    if until.second == until.microsecond == 0:
        until -= timedelta(minutes=1)
    ends = {"from": since, "to": until}
    return "&".join(
        f"{field}_{end}_0={at:%Y-%m-%d}&{field}_{end}_1={at:%H:%M}" for end, at in ends.items()
    )


def read_period(key: str, now: datetime | None = None) -> Period:
    """The period that an address calls `key`: `today`, `yesterday`, `7`, `30`, `90`, two days with
    two dots between them, or an hour.

    :raises BadPeriod: if it is none
    """
    now = now or timezone.now()
    today = timezone.localtime(now).date()
    if key == "today":
        return _of_days(today, today, now, key, f"Today until {_time(now)}")
    if key == "yesterday":
        day = today - timedelta(days=1)
        return _of_days(day, day, now, key, "Yesterday")
    if key.isascii() and key.isdecimal() and len(key) < 4 and int(key) in _LAST_DAYS:
        first = today - timedelta(days=int(key) - 1)
        return _of_days(first, today, now, key, f"{key} days until today, {_time(now)}")
    if "T" in key:
        return _of_hour(key, now)
    first_text, _, last_text = key.partition("..")
    return _own(first_text, last_text or first_text, now)


def period_of(request: HttpRequest) -> Period:
    """The period that this request asks for; today if it asks for none, or for what is none."""
    return _asked_for(request)[0]


def problem_of(request: HttpRequest) -> str:
    """What is wrong with the period that this request asks for."""
    return _asked_for(request)[1]


def _asked_for(request: HttpRequest) -> tuple[Period, str]:
    known = getattr(request, "_asked_period", None)
    if known is None:
        now = timezone.now()
        try:
            known = read_period(_key_in(request.GET), now), ""
        except BadPeriod as problem:
            known = read_period("today", now), str(problem)
        request._asked_period = known  # type: ignore[attr-defined]
    return known


def _key_in(parameters: Mapping[str, str]) -> str:
    if "from" in parameters or "to" in parameters:
        first = parameters.get("from") or parameters.get("to", "")
        return f"{first}..{parameters.get('to') or first}"
    return parameters.get("range") or "today"


def _own(first_text: str, last_text: str, now: datetime) -> Period:
    first, last = _read_day(first_text), _read_day(last_text)
    today = timezone.localtime(now).date()
    if first > last:
        raise BadPeriod("The first day is after the last one. Choose them the other way round.")
    if first > today:
        raise BadPeriod("These days are still to come. Choose some that have been.")
    if (last - first).days >= LONGEST_DAYS:
        raise BadPeriod(f"Choose {LONGEST_DAYS} days at most.")
    name = _day(first) if first == last else f"{_day(first)} to {_day(last)}"
    key = _key(first) if first == last else f"{_key(first)}..{_key(last)}"
    return _of_days(first, min(last, today), now, key, name)


def _of_days(first: date, last: date, now: datetime, key: str, name: str) -> Period:
    end = _midnight(last + timedelta(days=1))
    return Period(_midnight(first), min(end, now), key, name, is_open=now < end)


def _of_hour(key: str, now: datetime) -> Period:
    try:
        # A plus of an offset that was not escaped in the address is a space here.
        at = parse_datetime(key.replace(" ", "+"))
    except ValueError:
        at = None
    if at is None or at.tzinfo is None or not 1990 < at.year < 9000:
        raise BadPeriod(f"“{key[:40]}” is no hour.")
    name = f"{_day(timezone.localtime(at).date())}, {_time(at)} to {_time(at + timedelta(hours=1))}"
    return Period(at, at + timedelta(hours=1), key, name, is_open=False)


def _read_day(text: str) -> date:
    try:
        day = parse_date(text)
    except ValueError:
        day = None
    if day is None or not 1990 < day.year < 9000:
        raise BadPeriod(f"“{text[:40]}” is no day. Write it as 2026-05-04.")
    return day


def _midnight(day: date) -> datetime:
    # In UTC, where an hour later is an hour later, also when the clock is changed.
    return timezone.make_aware(datetime.combine(day, time())).astimezone(UTC)


def _time(at: datetime) -> str:
    return format_date(timezone.localtime(at), "G:i")


def _day(day: date) -> str:
    return format_date(day, "j M Y" if day.year != timezone.localdate().year else "j M")


def _key(day: date) -> str:
    return day.isoformat()


def _hour_key(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")
