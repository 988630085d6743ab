"""Consents as requests name them."""

from consents.models import Consent


def find_consent(code_name: str) -> Consent | None:
    """The consent with this code name, in any letter case, or None."""
    # PostgreSQL cannot even be asked for a text with NUL in it.
    return Consent.objects.filter(code_name__fold=code_name.replace("\0", " ")).first()
