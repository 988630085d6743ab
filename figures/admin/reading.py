"""What the dashboard says while its figures are not complete."""

from django.http import HttpRequest

from activities.admin.permissions import may_see_activities
from activities.logs import ACTIVITIES
from adminsite.counting import say_count
from adminsite.dashboard import CardContent, DashboardCard, register_card
from adminsite.permissions import AnyUser
from contacts.admin.permissions import may_see_contacts
from figures.following import FIGURES
from readers.positions import place_of

# Usually the reader is a second behind, and then nobody has to know.
_BEHIND = 1000
_COUNTED = 100_000


def _may_see(user: AnyUser) -> bool:
    return may_see_activities(user) or may_see_contacts(user)


def _unread(request: HttpRequest) -> CardContent:
    waiting = place_of(FIGURES.name, ACTIVITIES).count(_COUNTED + 1)
    if waiting < _BEHIND:
        return CardContent()
    notice = (
        f"A worker has still to count {say_count(waiting, _COUNTED)} activities, the oldest first. "
        "Until it has, the figures are too low. If that takes long, “Readers” and “Work” say why."
    )
    return CardContent(notices=[notice])


register_card(DashboardCard(position=1, may_see=_may_see, build=_unread))
