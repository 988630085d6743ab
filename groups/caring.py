"""What can change whether a rule holds for a contact, so that only groups that care look again."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from django.utils import timezone

from groups.compiling import formula_of_tree, known_of
from groups.conditions import Scene, condition_of
from groups.formulas import may_be_alive
from groups.names import Kind, Known
from groups.trees import Tree


@dataclass(frozen=True)
class Cares:
    """What a rule looks at, by ids of what there is now.

    A type, consent or group that is made later under a name of the rule is not among them: ask
    again for each batch.

    :ivar activity_types: of which types activities matter; None: of any
    :ivar named: all that the rule names, by kind
    :ivar created: whether a new contact without anything can match, now or by time alone
    :ivar current_texts: whether it matters which texts of a consent are current
    """

    activity_types: frozenset[int] | None
    fields: frozenset[str]
    named: Mapping[Kind, frozenset[int]]
    created: bool
    current_texts: bool

    @property
    def consents(self) -> frozenset[int]:
        """The consents that it names."""
        return self.of_kind(Kind.CONSENT)

    @property
    def groups(self) -> frozenset[int]:
        """The contact groups that it names."""
        return self.of_kind(Kind.GROUP)

    def of_kind(self, kind: Kind) -> frozenset[int]:
        """What it names of this kind."""
        return self.named.get(kind, frozenset())


def cares_of(tree: Tree, known: Known | None = None) -> Cares:
    """What the rule looks at; what its names stand for is looked up unless it is `known`."""
    known = known if known is not None else known_of(tree)
    leaves = [(condition_of(leaf.type), leaf.members) for leaf in tree.leaves()]

    names: dict[Kind, set[str]] = defaultdict(set)
    for condition, members in leaves:
        for kind, code_names in condition.names(members).items():
            names[kind].update(code_names)
    named = {kind: frozenset(known.ids(kind, code_names)) for kind, code_names in names.items()}
    any_activity = any(condition.any_activity(members) for condition, members in leaves)
    return Cares(
        activity_types=None if any_activity else named.get(Kind.ACTIVITY_TYPE, frozenset()),
        fields=frozenset(
            field for condition, members in leaves for field in condition.fields(members)
        ),
        named=named,
        created=may_be_alive(formula_of_tree(tree, Scene(timezone.now(), known))),
        current_texts=any(condition.current_texts(members) for condition, members in leaves)
        or any(named.only_current for named in known.found.values()),
    )
