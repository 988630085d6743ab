"""The search in a timeline, and what it may be narrowed to, such as one channel."""

from collections.abc import Callable
from dataclasses import dataclass

from django import forms
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from adminsite.permissions import AnyUser, May

LONGEST_TEXT = 200


@dataclass(frozen=True)
class TimelineChoice:
    """Something that entries are of, such as a channel: values with their titles, to choose from.

    Kinds of entries say by their `narrow` what it means to them; the others are left out.
    """

    name: str
    title: str
    may_see: May
    options: Callable[[AnyUser], list[tuple[str, str]]]


_choices: list[TimelineChoice] = []


def register_choice(choice: TimelineChoice) -> None:
    """Let the timeline of every contact be narrowed by this."""
    _choices.append(choice)


class TimelineForm(forms.Form):
    """What the query of a request asks of a timeline. What makes no sense is not asked for."""

    find = forms.CharField(
        label="Find in the timeline",
        required=False,
        max_length=LONGEST_TEXT,
        widget=UnfoldAdminTextInputWidget(attrs={"type": "search", "placeholder": "Find"}),
    )

    def __init__(self, request: HttpRequest):
        super().__init__(request.GET, auto_id="timeline-%s")
        self._names = []
        for choice in _choices:
            if choice.may_see(request.user):
                self._names.append(choice.name)
                self.fields[choice.name] = forms.ChoiceField(
                    label=choice.title,
                    required=False,
                    choices=[("", f"{choice.title}: any"), *choice.options(request.user)],
                    widget=UnfoldAdminSelectWidget,
                )
        self.full_clean()

    @property
    def text(self) -> str:
        """The text that entries are searched for, or ""."""
        return self.cleaned_data.get("find", "")

    @property
    def choices(self) -> dict[str, str]:
        """The values that were chosen, by the names of the choices."""
        chosen = {name: self.cleaned_data.get(name, "") for name in self._names}
        return {name: value for name, value in chosen.items() if value}

    @property
    def is_used(self) -> bool:
        return bool(self.text or self.choices)
