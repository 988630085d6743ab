"""What the dashboard says about emails: how many were sent, and what became of them."""

from django.http import HttpRequest

from adminsite.dashboard import (
    Bar,
    BarList,
    CardContent,
    DashboardCard,
    Figure,
    compare,
    register_card,
)
from adminsite.periods import period_of
from automations.admin.permissions import may_see_emails
from automations.models import EmailEvent
from figures.admin.links import emails_url
from figures.counts import Sum, sums_of
from figures.models import Count

_BAD = (EmailEvent.Kind.BOUNCED, EmailEvent.Kind.COMPLAINED, EmailEvent.Kind.UNSUBSCRIBED)


def _emails(request: HttpRequest) -> CardContent:
    period = period_of(request)
    sums = sums_of(Count.Kind.EMAIL, period)
    sent = sums.get(EmailEvent.Kind.SENT, Sum(0, 0))
    figure = Figure(
        name="Emails sent",
        icon="mail",
        value=f"{sent.now:,}",
        note="By automations",
        url=emails_url(EmailEvent.Kind.SENT, period.key),
        change=compare(sent.now, sent.before, period, more_is="neutral"),
    )
    bars = [
        Bar(
            name=kind.label,
            count=sum.now,
            url=emails_url(kind, period.key),
            change=compare(sum.now, sum.before, period, more_is="bad" if kind in _BAD else "good"),
        )
        for kind in EmailEvent.Kind
        if (sum := sums.get(kind.value, Sum(0, 0))).now
    ]
    empty = "No email was sent in this period. An automation with the step “Send an email” does."
    return CardContent(figures=[figure], lists=[BarList("Emails", bars, empty)])


register_card(DashboardCard(position=45, may_see=may_see_emails, build=_emails))
