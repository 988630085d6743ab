"""A message as the hub has it, before a kind of destination puts it into its own format."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True)
class Message:
    """What happened, and to whom; only with what the destination may have of the contact.

    :ivar message_id: the same at each attempt
    :ivar type: a value of `Delivery.Kind`
    :ivar at: when it happened
    :ivar contact: `guid` as a text, `email` if it goes out, and fields by the model's names, as
        JSON has them; of a hashed email the hash
    :ivar data: what is told, as JSON. Of an activity: `id`, `type`, `name` (of the type), `title`,
        `value`, `url`, `referrer`, `properties`, `channel` and `tracked_site` (code names), and
        `recorded_at`. Of an entry or exit: `group`, `name`, `cause`. Of an answer to a consent:
        `consent`, `name`, `agreed`, `language` and `version` of the text that was shown,
        `channel`, `tracked_site`. Of a change: `source`, `before` and `after`, the fields that
        differ. Of a step: `automation`, `name`, `run`, and the `activity` that let the contact in,
        or null
    """

    message_id: UUID
    type: str
    at: datetime
    contact: Mapping[str, Any]
    data: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        """The body of a webhook without a mapping."""
        return {
            "type": self.type,
            "timestamp": self.at.isoformat(),
            "contact": dict(self.contact),
            "data": dict(self.data),
        }
