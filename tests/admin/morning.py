"""The dashboard, as tests ask for it: what it shows, and the rows behind it."""

from datetime import timedelta

from django.urls import reverse
from django.utils import timezone

from activities.logs import ACTIVITIES
from activities.models import Activity
from activities.seen import SEEN
from automations.models import EmailEvent
from consents.models import ConsentAgreement
from contacts.models import Contact
from figures import following
from groups.models import MembershipEvent


def today():
    """In all of today up to now, whatever time it is; midnight may come while tests run."""
    return timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)


def yesterday():
    """The same of yesterday."""
    return today() - timedelta(days=1)


def count():
    """Let the reader's functions have all that there is, once."""
    for model, counting in {
        Activity: following.count_activities,
        Contact: following.look_who_is_known,
        ConsentAgreement: following.count_agreements,
        MembershipEvent: following.count_entries,
        EmailEvent: following.count_email_events,
    }.items():
        counting(list(model.objects.values_list("pk", flat=True)))
    SEEN.logs[ACTIVITIES](list(Activity.objects.values_list("pk", flat=True)))


def dashboard(client, **parameters):
    return client.get(reverse("admin:index"), parameters)


def figures(page):
    """Value, change and address of each figure, by its name."""
    shown = {}
    for figure in (*page.context["figures"], *page.context["work"]):
        shown[figure.name] = (figure.value, figure.change.text if figure.change else None)
    return shown


def figure_of(page, name):
    (found,) = [
        one for one in (*page.context["figures"], *page.context["work"]) if one.name == name
    ]
    return found


def bars(page, title):
    """The bars of a list, by its title."""
    (found,) = [one for one in page.context["lists"] if one.title == title]
    return list(found.bars)


def rows_behind(client, url):
    answer = client.get(url)
    assert answer.status_code == 200, (url, answer.status_code)
    return list(answer.context["cl"].result_list)
