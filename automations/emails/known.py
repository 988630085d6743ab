"""What is known of one contact, and how texts ask for it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from automations.emails.nothing import Nothing
from database.letter_case import fold

Click = Callable[[str], str]


@dataclass(frozen=True)
class EventValue:
    """The event that let a contact in: its name, and what `%EVENT: name%` stands for."""

    name: str
    data: str


@dataclass(frozen=True)
class Values:
    """What texts know of one contact.

    :ivar contact: the fields, by the model's names
    :ivar events: the data of the latest event of each name, by `event_key`
    """

    contact: Mapping[str, str] = field(default_factory=dict)
    events: Mapping[str, str] = field(default_factory=dict)

    def of_run(self, event: EventValue) -> "Values":
        """The same for a run: the event that let it in counts, and none that came later."""
        if not event.name:
            return self
        return replace(self, events={**self.events, event_key(event.name): event.data})


def event_key(name: str) -> str:
    """`name` as events are compared: in any letter case, whatever spaces are around it."""
    return fold(" ".join(name.split()))


class _Fields(Mapping[str, str]):
    """The fields of a contact."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, str]):
        self._values = values

    def __getitem__(self, name: str) -> str:
        value = self._values[name]
        return value if value.strip() else Nothing(f"The contact has no {name.replace('_', ' ')}.")

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


class _Events(_Fields):
    """The data of events, by their names in any letter case."""

    __slots__ = ()

    def __getitem__(self, name: str) -> str:
        value = self._values.get(event_key(name), "")
        return value if value else Nothing(f"The event “{name}” has no data for this contact.")


class _Confirmations(Mapping[str, str]):
    """The pages on which the reader of an email agrees to consents, by their code names."""

    __slots__ = ("_page_of",)

    def __init__(self, page_of: Callable[[str], str] | None):
        self._page_of = page_of

    def __getitem__(self, name: str) -> str:
        if self._page_of is None:
            return Nothing("Only emails have links to confirm a consent.")
        return self._page_of(name)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


class Filling:
    """Values as texts have them.

    :param confirm: gives the URL of the page on which the reader agrees to the consent with a code
        name
    :param click: gives the URL that a link in HTML has instead of its own
    """

    def __init__(
        self,
        values: Values,
        *,
        confirm: Callable[[str], str] | None = None,
        click: Click | None = None,
    ):
        self.names: dict[str, Mapping[str, str]] = {
            "contact": _Fields(values.contact),
            "event": _Events(values.events),
            "confirm": _Confirmations(confirm),
        }
        self.click = click
