"""The tracking of websites, as the table of doors has it."""

from web.doors import Door

DOOR = Door(
    name="crosssite",
    title="Website tracking",
    urls=["crosssite.urls"],
    paths=["/kentico.crosssitetracking"],
    needs_all_middleware=True,
)
