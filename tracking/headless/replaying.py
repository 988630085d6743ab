"""What the inspector has kept of headless activities, as drafts again."""

from activities.reading_again import Again, asks_of, guid_of, payload_of
from activities.rejections import RejectedActivity
from tracking.headless.translation import read_activity


def read_again(line: RejectedActivity, *, is_dry: bool) -> list[Again]:
    """The activity of a line.

    :raises CannotReplay: if it cannot be read again
    """
    draft = read_activity(payload_of(line))
    return [Again(draft=draft, contact_guid=guid_of(line), asks=asks_of(line))]
