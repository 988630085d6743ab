"""What people call the doors that activities come through, by their names in the code."""

DOOR_NAMES = {
    "headless": "Tracking API",
    "crosssite": "Website tracking",
    "python": "Python",
    "activecampaign": "ActiveCampaign",
    "activecampaign-api": "ActiveCampaign API",
    "commandersact": "Commanders Act",
    "commandersact-config": "Commanders Act Config API",
}


def name_of_door(door: str) -> str:
    """What people call this door."""
    return DOOR_NAMES.get(door, door)
