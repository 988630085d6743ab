"""What readers may follow of contacts."""

from readers.logs import Log

# A contact has its number an instant before its transaction: one that is made in the very moment in
# which an epoch begins may be missed by readers, as long as nothing else is recorded about it.
CONTACTS = Log("contacts", "contacts.Contact")
CHANGES = Log("changes", "contacts.ContactChange")
# A merge becomes part of the log when it is done; so it is numbered then, and not when it is asked
# for.
MERGES = Log("merges", "contacts.ContactMerge", number="done_as")
TOUCHED = Log("touched contacts", "contacts.Touched")
UNDONE_MERGES = Log("undone merges", "contacts.UndoneMerge")
