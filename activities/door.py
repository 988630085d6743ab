"""Python code, as the table of doors has it: it records without a wire format."""

from web.doors import Door

DOOR = Door(name="python", title="Python")
