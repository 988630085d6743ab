"""What came in from files of others and what became of it; and what went out, and who took it."""

from exchange.models.exports import Export
from exchange.models.imports import Import, KeptByUndo
from exchange.models.remembered_mappings import RememberedMapping

__all__ = ["Export", "Import", "KeptByUndo", "RememberedMapping"]
