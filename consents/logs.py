"""What readers may follow of consents."""

from readers.logs import Log

AGREEMENTS = Log("agreements", "consents.ConsentAgreement")
