"""Consents, their texts, and the ledger of agreements in the admin."""

# These add to the sidebar, and to the page of a merge.
from consents.admin import merging, navigation  # noqa: F401
from consents.admin.agreement import ConsentAgreementAdmin
from consents.admin.consent import ConsentAdmin
from consents.admin.text import ConsentTextAdmin

__all__ = ["ConsentAdmin", "ConsentAgreementAdmin", "ConsentTextAdmin"]
