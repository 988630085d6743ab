"""Asking PostgreSQL: few round trips, shared commits, and what a process remembers."""
