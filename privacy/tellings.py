"""How files about a person, and answers kept from before an erasure, are told to the person."""

from contacts.telling import Says, Telling, register_telling
from privacy.models.disclosures import AccessFile
from privacy.models.proofs import KeptAgreement
from privacy.models.retention import LastActivity
from privacy.proofs.names import digests_of


def register() -> None:
    """Have these tables be told."""
    register_telling(_FILES)
    register_telling(_KEPT)
    register_telling(_LAST)


_FILES = Telling(
    model=AccessFile,
    name="access-files",
    title="Files with your data",
    sentence="Files like this one that were made before, and whether they were downloaded.",
    columns=[
        Says(name="asked", title="Asked for", of="requested_at"),
        Says(name="kind", title="For", of="kind"),
        Says(name="status", title="State", of="status"),
        Says(name="by", title="Asked for by", of="requested_by_id", is_user=True),
        Says(name="made", title="Made", of="finished_at"),
        Says(name="kept_until", title="Kept until", of="expires_at"),
        Says(name="downloads", title="Downloads", of="downloads"),
        Says(name="link_downloads", title="Downloads by a link", of="link_downloads"),
        Says(name="last", title="Last downloaded by a link", of="link_used_at"),
    ],
    order=("-id",),
    position=150,
)
_KEPT = Telling(
    model=KeptAgreement,
    name="kept-agreements",
    title="What you answered before you were erased",
    sentence="If we have erased you before, we kept what you had agreed to as proof, under a code "
    "made of your email.",
    columns=[
        Says(name="time", title="When", of="at"),
        Says(name="consent", title="What for", of="consent__name"),
        Says(name="agreed", title="You agreed", of="agreed"),
        Says(name="language", title="Language of the text", of="text__language"),
        Says(name="version", title="Version of the text", of="text__version"),
        Says(name="channel", title="Website or app", of="channel__name"),
        Says(name="came_by", title="How it reached us", of="came_by", may_name=False),
        Says(name="erased", title="Erased", of="kept_at"),
    ],
    order=("-at", "-id"),
    position=35,
    key="",
    rows=lambda person: KeptAgreement.objects.filter(
        names__overlap=list(digests_of(guids=person.guids, emails=person.email_keys))
    ),
)
_LAST = Telling(
    model=LastActivity,
    name="last-activities-that-were-deleted",
    title="When you did something last, of what we deleted",
    sentence="We delete what you did after some time. Of the last of it we keep when it was, to "
    "know how long you have not been here.",
    columns=[Says(name="time", title="When", of="at")],
    order=("-at", "-id"),
    position=42,
)
