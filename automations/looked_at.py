"""What a user who approves of a broadcast looks at, and what has become of that since."""

import json
from typing import Any

from automations.approving import needs_approval
from automations.emails.saving import templates_in
from automations.models import Automation, Broadcast, Template
from database.letter_case import fold


def look_at(broadcast: Broadcast) -> dict[str, Any]:
    """What would be sent, and to how many, if that is known: the same until a user changes it."""
    automation = broadcast.automation
    names = {fold(name) for name in templates_in(automation.steps)}
    templates = Template.objects.filter(code_name__fold__in=sorted(names))
    saved = {fold(one.code_name): one.changed_at.isoformat() for one in templates}
    return {
        "version": automation.version,
        "runs": automation.runs,
        "templates": {name: saved.get(name) for name in names},
        "total": broadcast.total,
    }


def mark_of(broadcast: Broadcast) -> str:
    """By what the page of a broadcast tells what its user has looked at."""
    return json.dumps(look_at(broadcast), sort_keys=True)


def changes_since_approval(broadcast: Broadcast) -> list[str]:
    """Each in a sentence: what is not as it was when a user approved of the broadcast.

    More contacts are a change if those whom nobody has approved of would need approval alone.
    """
    if broadcast.approved_as is None:
        return []
    old, new = broadcast.approved_as, look_at(broadcast)
    changes = []
    if old["version"] != new["version"]:
        changes.append(
            f"The automation is version {new['version']}, and was version {old['version']}."
        )
    if old["runs"] != new["runs"]:
        before, now = (Automation.Runs(one["runs"]).label for one in (old, new))
        changes.append(f"A contact may enter: {now}. It was: {before}.")
    changes += [
        f"The template “{name}” was changed."
        for name in sorted(old["templates"].keys() & new["templates"].keys())
        if old["templates"][name] != new["templates"][name]
    ]
    return [*changes, *_growth(old["total"], new["total"])]


def _growth(old: int | None, new: int | None) -> list[str]:
    if old is None:  # a user has approved of however many they are
        return []
    if new is None:
        return [f"Its contacts take too long to count, and were {old:,}."]
    if needs_approval(new - old):
        return [f"It is for {new:,} contacts, and was for {old:,}."]
    return []
