"""Sessions: what a contact did without a long pause, as the timeline puts it together."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

# Two things that a contact did within this time belong to one session.
PAUSE = timedelta(minutes=30)


@dataclass(frozen=True)
class Visit:
    """What an entry of a timeline tells about the session that it belongs to."""

    is_page: bool = False
    # Where the contact came from: a campaign, or another website.
    source: str = ""
    # The website or app.
    where: str = ""
    device: str = ""


@dataclass(frozen=True)
class Session:
    """The head of a session; if it `goes_on`, its beginning is on the next page of the timeline.

    If it `is_continued`, its newest part is on the page before.
    """

    began_at: datetime
    ended_at: datetime
    activities: int
    pages: int
    source: str
    where: str
    device: str
    goes_on: bool = False
    is_continued: bool = False

    @property
    def duration(self) -> str:
        """How long it took, such as “29 min”; "" if that is no time at all."""
        minutes, seconds = divmod(round((self.ended_at - self.began_at).total_seconds()), 60)
        hours, minutes = divmod(minutes, 60)
        if hours:
            return f"{hours} h {minutes} min"
        if minutes:
            return f"{minutes} min"
        return f"{seconds} s" if seconds else ""


def end_of_page(times: Sequence[datetime | None], most: int) -> tuple[int, bool]:
    """How many entries a page shows, and whether a session goes on after them.

    `times` has all entries that are known, the newest first, None for what is part of no session.
    A page ends where a session ends, unless one session alone is longer than the page.
    """
    if len(times) <= most:
        return len(times), False
    shown = [index for index in range(most) if times[index] is not None]
    following = next((at for at in times[most:] if at is not None), None)
    if not shown or following is None:
        return most, False
    *_, (first, last) = ranges_of(times[:most])
    if not _belong_together(times[last], following):
        return most, False
    return (first, False) if first else (most, True)


def ranges_of(times: Sequence[datetime | None]) -> Iterator[tuple[int, int]]:
    """The first and the last entry of each session, the newest first."""
    first = last = None
    for index, at in enumerate(times):
        if at is None:
            continue
        if first is not None and last is not None and not _belong_together(times[last], at):
            yield first, last
            first = None
        first, last = (index if first is None else first), index
    if first is not None and last is not None:
        yield first, last


def session_of(
    visits: Sequence[tuple[datetime, Visit | None]], *, goes_on: bool, is_continued: bool
) -> Session:
    """The head of a session that consists of these, the newest of which comes first."""
    done = [visit for _, visit in visits if visit is not None]
    return Session(
        began_at=visits[-1][0],
        ended_at=visits[0][0],
        activities=len(done),
        pages=sum(visit.is_page for visit in done),
        # By what it began with: what is clicked later leads from page to page.
        source=_first(visit.source for visit in reversed(done)),
        where=", ".join(dict.fromkeys(visit.where for visit in reversed(done) if visit.where)),
        device=_first(visit.device for visit in reversed(done)),
        goes_on=goes_on,
        is_continued=is_continued,
    )


def _first(texts: Iterable[str]) -> str:
    return next(filter(None, texts), "")


def _belong_together(newer: datetime | None, older: datetime | None) -> bool:
    return newer is not None and older is not None and newer - older <= PAUSE
