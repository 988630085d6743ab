"""The rule of a group as data: a tree of conditions. `rules.py` reads and writes them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Leaf:
    """One condition: its `type`, and its members in their normal form."""

    type: str
    members: Mapping[str, Any]
    negate: bool = False


@dataclass(frozen=True)
class Tree:
    """Conditions of which all have to hold, or any."""

    match: Literal["all", "any"]
    conditions: tuple["Tree | Leaf", ...]

    def leaves(self) -> Iterator[Leaf]:
        """The conditions of the whole tree, in order."""
        for one in self.conditions:
            if isinstance(one, Tree):
                yield from one.leaves()
            else:
                yield one


class InvalidRule(ValueError):
    """A rule that cannot be; `path` says where, such as `conditions[1].url.operator`."""

    def __init__(self, path: str, detail: str):
        super().__init__(f"{path}: {detail}" if path else detail)
        self.path, self.detail = path, detail
