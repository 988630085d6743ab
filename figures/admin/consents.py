"""What the dashboard says about consents: how many of those who answered agreed."""

from collections.abc import Iterable
from urllib.parse import urlencode

from django.http import HttpRequest

from adminsite.dashboard import (
    Bar,
    BarList,
    CardContent,
    DashboardCard,
    Figure,
    compare_rates,
    counted,
    register_card,
)
from adminsite.formatting import changelist_url
from adminsite.periods import period_of
from consents.admin.permissions import may_see_agreements
from consents.models import Consent, ConsentAgreement
from figures.counts import Sum, sums_of
from figures.models import Count

_NOTHING = Sum(0, 0)


def _consents(request: HttpRequest) -> CardContent:
    period = period_of(request)
    agreed = sums_of(Count.Kind.AGREED, period)
    revoked = sums_of(Count.Kind.REVOKED, period)
    when = period.query("at")
    bars = []
    for consent in Consent.objects.order_by("name", "pk").only("name"):
        key = str(consent.pk)
        yes, no = agreed.get(key, _NOTHING), revoked.get(key, _NOTHING)
        rate = _rate([yes.now], [no.now])
        if rate is not None:
            bars.append(
                Bar(
                    name=consent.name,
                    count=round(rate),
                    text=f"{rate:.0f} % of {yes.now + no.now:,}",
                    url=changelist_url(
                        ConsentAgreement,
                        f"{when}&{urlencode({'consent__id__exact': key})}",
                    ),
                    change=compare_rates(rate, _rate([yes.before], [no.before]), period),
                )
            )
    rate = _rate([one.now for one in agreed.values()], [one.now for one in revoked.values()])
    before = _rate(
        [one.before for one in agreed.values()], [one.before for one in revoked.values()]
    )
    answers = sum(one.now for one in (*agreed.values(), *revoked.values()))
    figure = Figure(
        name="Consent rate",
        icon="verified_user",
        value="-" if rate is None else f"{rate:.0f} %",
        note=f"Of {counted(answers, 'answer', 'answers')}" if answers else "Nobody was asked",
        url=changelist_url(ConsentAgreement, when),
        change=compare_rates(rate, before, period),
    )
    empty = "Nobody agreed to a consent or revoked one in this period."
    return CardContent(figures=[figure], lists=[BarList("Consents", bars, empty)])


def _rate(agreed: Iterable[int], revoked: Iterable[int]) -> float | None:
    """How many per cent of the answers were a yes; None without answers."""
    yes, no = sum(agreed), sum(revoked)
    return 100 * yes / (yes + no) if yes + no else None


register_card(DashboardCard(position=25, may_see=may_see_agreements, build=_consents))
