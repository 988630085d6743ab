"""Consents, their texts, and the ledger of agreements in the admin."""

from consents.admin.agreement import ConsentAgreementAdmin
from consents.admin.consent import ConsentAdmin
from consents.admin.text import ConsentTextAdmin

__all__ = ["ConsentAdmin", "ConsentAgreementAdmin", "ConsentTextAdmin"]
