"""The Commanders Act-format door."""
