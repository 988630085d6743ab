"""The database backend of the hub."""
