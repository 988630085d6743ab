"""Which destinations name activity types."""

from collections.abc import Iterator

from activities.admin.uses import Use, register_uses
from adminsite.formatting import change_url
from database.letter_case import fold
from destinations.admin.permissions import may_see_destinations
from destinations.models import Destination
from groups.admin.uses import types_in


def _find() -> Iterator[tuple[str, Use]]:
    for destination in Destination.objects.order_by("name", "pk"):
        ruled = types_in(destination.rule) if destination.rule is not None else {}
        gets = {fold(one) for one in destination.activities}
        named = {fold(one): one for one in (*destination.activities, *ruled)}
        properties = {fold(one): asked for one, asked in ruled.items()}
        for key, code_name in named.items():
            gets_it = key in gets
            effect = (
                "Gets no activities of this type." if gets_it else "Its rule counts nothing new."
            )
            yield (
                code_name,
                Use(
                    kind="Destination",
                    name=destination.name,
                    effect=effect if destination.enabled else "Is switched off.",
                    url=change_url(destination),
                    properties=properties.get(key, ()),
                ),
            )


register_uses(may_see=may_see_destinations, find=_find)
