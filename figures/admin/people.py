"""What the dashboard says about people: new ones, known ones, and those who came back."""

from django.http import HttpRequest

from adminsite.dashboard import (
    CardContent,
    Column,
    DashboardCard,
    Figure,
    TimeChart,
    compare,
    counted,
    register_card,
)
from adminsite.periods import period_of
from contacts.admin.permissions import may_see_contacts
from figures.admin.links import people_url
from figures.looking import PeopleOverTime

_SHOWN = {
    "seen": ("People", "group", "Contacts who did something"),
    "new": ("New people", "person_add", "Did something for the first time"),
    "returning": ("Came back", "replay", "Had been here before"),
    "known": ("Known people", "badge", "With an email or a name"),
}


def _people(request: HttpRequest) -> CardContent:
    period = period_of(request)
    found = PeopleOverTime(period)
    figures = []
    for kind, (name, icon, note) in _SHOWN.items():
        now, before = len(found.now.of_kind(kind)), len(found.before.of_kind(kind))
        figures.append(
            Figure(
                name=name,
                icon=icon,
                value=f"{now:,}",
                note=note,
                url=people_url(kind, period.key),
                change=compare(now, before, period),
            )
        )
    columns = [
        Column(bucket, (len(of.returning), len(of.new)), people_url("seen", bucket.key))
        for bucket, of in found.by_bucket
    ]
    title = f"People {'a day' if period.days > 1 else 'an hour'}"
    chart = TimeChart(title, ("Came back", "New"), columns)
    here = found.now
    said = (
        f"{counted(len(here.seen), 'person', 'people')}, {len(here.new):,} of them new and "
        f"{len(here.returning):,} who came back"
        if here.seen
        else "nobody was here"
    )
    return CardContent(figures=figures, charts=[chart], said=said)


register_card(DashboardCard(position=10, may_see=may_see_contacts, build=_people))
