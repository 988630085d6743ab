"""The services that a hub on one machine brings along: PostgreSQL, and the processes of `serve`."""
