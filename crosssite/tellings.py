"""How the browsers that were recognised are told to the person."""

from contacts.telling import Origin, Says, Telling, register_telling
from crosssite.models import SiteContact


def register() -> None:
    """Have this table be told."""
    register_telling(_BROWSERS)


_BROWSERS = Telling(
    model=SiteContact,
    name="browsers",
    title="Browsers that we recognised",
    sentence="A cookie in your browser holds a number, by which our websites recognise it.",
    columns=[
        Says(name="visitor", title="Number in the cookie", of="visitor"),
        Says(name="site", title="Website", of="tracked_site__name"),
        Says(name="address", title="Address", of="tracked_site__url", may_name=False),
        Says(name="since", title="Since", of="created_at"),
    ],
    order=("-created_at", "-id"),
    origin=Origin.OBSERVED,
    position=50,
)
