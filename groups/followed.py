"""Which groups have to be kept true, what each cares about, and in which order."""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from django.db import connection

from consents.models import ConsentText
from groups.caring import Cares, cares_of
from groups.compiling import known_of
from groups.models import ContactGroup
from groups.names import Known, all_named, kinds
from groups.rules import InvalidRule, Tree, parse

_KEYS = ("id", "version", "built_version", "built_at", "built_meaning")


@dataclass(frozen=True)
class Followed:
    """A rule, what the names in it stand for, and what it cares about."""

    tree: Tree
    known: Known
    cares: Cares


@dataclass(frozen=True)
class Group:
    """A dynamic group that is switched on.

    `served` is the rule that its members follow, if they follow one; `coming` is the rule that it
    has now, if that is not served yet: as soon as it is built, it is. `is_broken` tells that one of
    them cannot be read any more.
    """

    id: int
    served: Followed | None
    coming: Followed | None
    is_broken: bool = False

    def rules(self) -> Iterator[Followed]:
        """The rule that is served, and the one that may be at any moment."""
        yield from (rule for rule in (self.served, self.coming) if rule)

    def named_groups(self) -> frozenset[int]:
        """The groups that these rules name."""
        return frozenset[int]().union(*(rule.cares.groups for rule in self.rules()))


Groups = Mapping[int, Group]

# What this process knows, by all that it depends on.
_known: dict[tuple, Group] = {}


def followed_groups() -> Groups:
    """The dynamic groups that are switched on, by id, each after those that its rule names.

    Two queries, as long as no group and nothing that rules name was changed.
    """
    global _known
    names = what_names_stand_for()
    rows = ContactGroup.objects.filter(enabled=True, static=False).values_list(*_KEYS)
    keys = {row[0]: (names, *row) for row in rows}
    missing = [group_id for group_id, key in keys.items() if key not in _known]
    read = {group.pk: _read(group) for group in ContactGroup.objects.filter(pk__in=missing)}
    known = {key: _known.get(key) or read.get(group_id) for group_id, key in keys.items()}
    _known = {key: group for key, group in known.items() if group}
    return _in_order({group.id: group for group in _known.values()})


def what_names_stand_for() -> str:
    """A hash of all that `Known` may hold: it changes when a name stands for something else."""
    queries = [all_named(kind).query.sql_with_params() for kind in kinds()]
    lists = [
        f"SELECT string_agg(to_jsonb(named)::text, ',' ORDER BY id) FROM ({sql}) AS named"  # noqa: S608
        for sql, _ in queries
    ]
    params = [value for _, of_one in queries for value in of_one]
    texts = ConsentText._meta.db_table
    lists.append(
        f"SELECT string_agg(id::text, ',' ORDER BY id) FROM {texts}"  # noqa: S608
        " WHERE superseded_at IS NULL"
    )
    with connection.cursor() as cursor:
        lists_sql = ", ".join(f"({one})" for one in lists)
        cursor.execute(f"SELECT md5(concat_ws(';', {lists_sql}))", params)
        return cursor.fetchone()[0]


def meaning_of(followed: Followed) -> str:
    """A hash of what the names in a rule stand for now."""
    texts: list[int] = []
    if followed.cares.current_texts:
        current = ConsentText.objects.filter(superseded_at__isnull=True)
        of_rule = current.filter(consent__in=followed.cares.consents)
        texts = list(of_rule.order_by("pk").values_list("pk", flat=True))
    known = sorted(
        (key, named.id, *[True] * named.only_current) for key, named in followed.known.found.items()
    )
    return hashlib.sha256(json.dumps([known, texts]).encode()).hexdigest()


def follow(rule: object) -> Followed:
    """A rule of JSON as it is followed.

    :raises InvalidRule: if it is none
    """
    tree = parse(rule)
    known = known_of(tree)
    return Followed(tree, known, cares_of(tree, known))


def with_dependents(groups: Groups, group_ids: Collection[int]) -> set[int]:
    """These groups, and all whose rules name one of them, directly or through others."""
    found = set(group_ids)
    while True:
        more = {
            group.id
            for group in groups.values()
            if group.id not in found and group.named_groups() & found
        }
        if not more:
            return found
        found |= more


def _read(group: ContactGroup) -> Group:
    try:
        served = None if group.served_rule is None else follow(group.served_rule)
        is_served = group.built_version == group.version and served is not None
        return Group(group.pk, served, None if is_served else follow(group.rule))
    except InvalidRule:
        return Group(group.pk, None, None, is_broken=True)


def _in_order(groups: dict[int, Group]) -> dict[int, Group]:
    """The same groups, each after those that it names; those of a circle come last."""
    waiting = dict(sorted(groups.items()))
    ordered: dict[int, Group] = {}
    while waiting:
        ready = [
            group
            for group in waiting.values()
            if group.served is None or not group.served.cares.groups & waiting.keys() - {group.id}
        ]
        for group in ready or waiting.copy().values():
            ordered[group.id] = waiting.pop(group.id)
    return ordered
