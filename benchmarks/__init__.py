"""What `make bench` runs: a hub of its own under load, compared with what PostgreSQL can do.

One module for each subject (`throughput`, `starting`, `workers`) with a function that measures and
one that makes a section of the report of it; the other modules are their tools.
"""
