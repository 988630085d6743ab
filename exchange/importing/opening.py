"""How files of imports are opened: the one place that names the reader of files."""

from exchange.importing.reading import CannotRead, Unreadable, open_table

__all__ = ["CannotRead", "Unreadable", "open_table"]
