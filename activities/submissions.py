"""What a caller wants recorded, checked as far as it can be beforehand, and what became of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, Self
from uuid import UUID

import msgspec
from django.utils import timezone

from activities.corrections import CORRECTABLE, Rule, correct, rules_for
from activities.drafts import CheckedActivity, Draft, check_draft, is_storable
from activities.models import ActivityType
from activities.problems import InvalidActivity
from activities.specification import last_read_types
from channels.models import Channel
from consents.permission import Asks, asked_on
from database.letter_case import fold
from database.questions import Question

Types = Mapping[str, ActivityType | InvalidActivity]

# Whom a submission is about that has no drafts.
NOBODY = UUID(int=0)


class Source(msgspec.Struct, kw_only=True):
    """Where activities came from: the door, the channel, and the request that brought them.

    With `names_types`, a type that is not known yet is made, and marked with that door. `asks` is
    what the hub asks of contacts because nobody else does, as of what browsers send by themselves.
    A format that `answers_each` activity tells its caller what became of a repeat; of others the
    inspector does.
    """

    door: str
    channel: Channel
    request_id: UUID
    tracked_site_id: int | None = None
    key_id: int | None = None
    names_types: str | None = None
    asks: Asks = Asks.NOTHING
    answers_each: bool = True

    @property
    def asked_consent_id(self) -> int | None:
        """The tracking consent of the channel, if what people answered to it counts here."""
        is_asked = asked_on(self.channel, self.asks) is not Asks.NOTHING
        return self.channel.tracking_consent_id if is_asked else None


class Outcome(msgspec.Struct):
    """What became of one draft: recorded (now or by an earlier, equal request), or refused.

    Of what is recorded again, `activity_id` leads to the activity, unless it was there before.
    """

    problem: InvalidActivity | None = None
    activity_id: int | None = None

    @property
    def accepted(self) -> bool:
        return self.problem is None


ACCEPTED = Outcome()


class Addition(Protocol):
    """What a door wants written in the same transaction, such as a count of its own."""

    @classmethod
    def write_all(cls, additions: Sequence[Self]) -> Question[None]:
        """What writes all of these; two transactions that do so never wait in a circle."""


@dataclass(slots=True, kw_only=True, eq=False)
class Submission:
    """What one caller wants recorded: what the contact did whom `contact_guid` leads to.

    The inspector has room for `room` of the activities. `add` says what else to write, by
    what became of them; without drafts, that is all. `new_types` has those that were made
    for it, or why a name cannot become one, by names in lower case. What was refused before and is
    recorded `again` counts once by that id, and happened when it was received the first time.
    """

    drafts: Sequence[Draft]
    contact_guid: UUID
    source: Source
    room: int
    add: Callable[[Sequence[Outcome]], Sequence[Addition]] | None = None
    received_at: datetime = field(default_factory=timezone.now)
    new_types: Types = field(default_factory=dict)
    again: UUID | None = None
    # The types that the drafts name, by their code names in lower case.
    names: dict[str, str] = field(init=False)
    _checked: list[CheckedActivity | InvalidActivity] | None = field(init=False, default=None)
    _checked_by: Types = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.names = {
            fold(draft.type): draft.type
            for draft in self.drafts
            if isinstance(draft.type, str) and is_storable(draft.type)
        }

    def check_ahead(self) -> None:
        """Check the drafts before anything is asked for: by the types that were last read.

        So the callers have done most of the work when a group is written.
        """
        source = self.source
        types = last_read_types(self.names, source.door, source.channel.id)
        if types is not None:
            self.check(types)

    def check(self, types: Types) -> list[CheckedActivity | InvalidActivity]:
        """What each draft is by these types; it is not checked again by the same ones."""
        if self._checked is None or any(
            types.get(name) is not self._checked_by.get(name) for name in self.names
        ):
            self._checked = [self._check(draft, types) for draft in self.drafts]
            self._checked_by = types
        return self._checked

    def may_be_corrected(self, types: Types) -> bool:
        """Whether something is wrong with the drafts that corrections may be for."""
        return any(
            isinstance(checked, InvalidActivity) and checked.code in CORRECTABLE
            for checked in self.check(types)
        )

    def correct(self, types: Types, rules: Sequence[Rule]) -> None:
        """Check once more what was refused, as these rules correct it."""
        checked = self.check(types)
        self._checked = [
            self._correct(draft, one, types, rules) if isinstance(one, InvalidActivity) else one
            for draft, one in zip(self.drafts, checked, strict=True)
        ]

    @property
    def claimed_id(self) -> UUID | None:
        """The id by which the first draft counts once, as it was checked."""
        first = self._checked[0] if self._checked else None
        return first.client_id if isinstance(first, CheckedActivity) else None

    def find_usual(self) -> list[CheckedActivity] | None:
        """The activities, if they were checked ahead and there is nothing but them to write."""
        if self._checked is None or self.source.asked_consent_id is not None or self.again:
            return None
        if not self.drafts and self.contact_guid != NOBODY:
            return None
        usual = [
            activity
            for activity in self._checked
            if isinstance(activity, CheckedActivity)
            and not (activity.remarks or activity.contact_fields)
        ]
        is_test = any(draft.test_code for draft in self.drafts)
        return None if is_test or len(usual) < len(self.drafts) else usual

    def _check(self, draft: Draft, types: Types) -> CheckedActivity | InvalidActivity:
        try:
            checked = check_draft(draft, types, self.received_at)
        except InvalidActivity as problem:
            # Its traceback would keep everything alive that the check had in its hands.
            return problem.with_traceback(None)
        if self.again and checked.client_id is None:
            checked.client_id = self.again
        return checked

    def _correct(
        self, draft: Draft, problem: InvalidActivity, types: Types, rules: Sequence[Rule]
    ) -> CheckedActivity | InvalidActivity:
        known = types.get(fold(draft.type)) if isinstance(draft.type, str) else None
        fitting = rules_for(
            rules,
            type_id=known.pk if isinstance(known, ActivityType) else 0,
            channel_id=self.source.channel.id,
            door=self.source.door,
        )

        def check(corrected: Draft) -> CheckedActivity:
            checked = self._check(corrected, types)
            if isinstance(checked, InvalidActivity):
                raise checked
            return checked

        return correct(draft, problem, check, fitting) if fitting else problem


class Written(msgspec.Struct, kw_only=True, frozen=True):
    """What became of a submission.

    There is one outcome per draft, in their order. `inspected` activities were for the inspector;
    `data_input_of` is the contact who has a new data input, if any. With `new_names`, which the
    source may make types of, nothing was written: the types come first.
    """

    outcomes: list[Outcome] = []
    inspected: int = 0
    data_input_of: int | None = None
    new_names: list[str] = []
