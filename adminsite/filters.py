"""Filters of the admin's lists."""

from datetime import datetime, time, timedelta

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_time
from unfold.contrib.filters.admin import RangeDateTimeFilter


class TimeRangeFilter(RangeDateTimeFilter):
    """From one time to another, both included; a day without a time is the whole day."""

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        since = self._moment("from", time.min)
        until = self._moment("to", time(23, 59))
        if since is not None:
            queryset = queryset.filter(**{f"{self.field_path}__gte": since})
        if until is not None:
            # The form knows minutes: all of the last one belongs to the range.
            end = until + timedelta(minutes=1) if until.second == 0 else until
            queryset = queryset.filter(**{f"{self.field_path}__lt": end})
        return queryset

    def _moment(self, end: str, missing_time: time) -> datetime | None:
        try:
            day = parse_date(self._given(end, 0))
            at = parse_time(self._given(end, 1))
        except ValueError:
            return None
        if day is None or not 1 < day.year < 9999:
            return None
        return timezone.make_aware(
            datetime.combine(day, at.replace(tzinfo=None) if at else missing_time)
        )

    def _given(self, end: str, part: int) -> str:
        return self.used_parameters.get(f"{self.parameter_name}_{end}_{part}") or ""
