"""The reader that keeps the members of groups true, whatever is recorded about contacts."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from contacts.logs import MERGES
from groups.facts import ENTRIES, LOGS, Facts, causes_of, entries_in, facts_in
from groups.followed import Followed, Groups, followed_groups
from groups.looking import Cause, Wanted, look_again
from groups.membership import follow_merges
from readers.logs import Log
from readers.reading import Reader

# Its work for a row is more than that of other readers, and the sweep waits for it.
_BATCH = 2_000
# Of most of these rows no rule names the group, and nothing is to do for them.
_BATCH_OF_ENTRIES = 10_000


def _follow(log: Log, ids: list[int]) -> None:
    if log is ENTRIES:
        named = _named_groups()
        facts = entries_in(ids, named) if named else {}
    else:
        facts = facts_in(log, ids)
    if log is MERGES:
        follow_merges(ids)
    if facts:
        look_again(_Batch(facts, log).wanted)


def _named_groups() -> set[int]:
    """The groups that rules name.

    Of one that a rule names only from now on, the build of that rule sees what came before.
    """
    return {group_id for one in followed_groups().values() for group_id in one.named_groups()}


class _Batch:
    """What a batch of a log says, and at which contacts each rule has to look for that."""

    def __init__(self, facts: Facts, log: Log):
        self._facts, self._log = facts, log
        # With the rule, so that its id stays its own.
        self._causes: dict[int, tuple[Followed, dict[int, Cause]]] = {}

    def wanted(self, groups: Groups) -> Wanted:
        """The contacts to look at for each group; also for a rule that is being built, or waits.

        A build looks again at what was recorded until it locks the group. What a reader has read by
        then, and found that no rule cares about, would be lost, if the reader did not lock that
        group as well.
        """
        wanted = {}
        for group in groups.values():
            causes: dict[int, Cause] = {}
            for rule in group.rules():
                causes.update(self._causes_of(rule))
            if causes:
                wanted[group.id] = causes
        return wanted

    def _causes_of(self, rule: Followed) -> dict[int, Cause]:
        if id(rule) not in self._causes:
            self._causes[id(rule)] = rule, causes_of(self._facts, self._log, rule)
        return self._causes[id(rule)][1]


class _OfLogs(Mapping[Log, Callable[[list[int]], None]]):
    """What to do with rows of each log, also of one that an app registers after this was made."""

    def __getitem__(self, log: Log) -> Callable[[list[int]], None]:
        if log not in LOGS:
            raise KeyError(log)
        return partial(_follow, log)

    def __iter__(self) -> Iterator[Log]:
        return iter(LOGS)

    def __len__(self) -> int:
        return len(LOGS)


GROUPS = Reader(
    "groups",
    _OfLogs(),
    batch=_BATCH,
    batches={ENTRIES: _BATCH_OF_ENTRIES},
    passes_over={ENTRIES: lambda: not _named_groups()},
    # What was recorded before a group was made is looked at by its build.
    begins_now=True,
)
