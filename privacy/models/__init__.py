"""What the hub keeps to answer for the data of persons, in a module for each noun."""

from privacy.models.certificates import Certificate, ErasureLine
from privacy.models.disclosures import AccessFile
from privacy.models.generated import DictionaryEntry, PrivacyProfile
from privacy.models.proofs import KeptAgreement
from privacy.models.requests import PersonRequest, RequestEvent
from privacy.models.retention import LastActivity, RetentionRule, RetentionRun

__all__ = [
    "AccessFile",
    "Certificate",
    "DictionaryEntry",
    "ErasureLine",
    "KeptAgreement",
    "LastActivity",
    "PersonRequest",
    "PrivacyProfile",
    "RequestEvent",
    "RetentionRule",
    "RetentionRun",
]
