"""The paths that the tracker uses, on the domain of a website channel."""

from django.urls import path

from crosssite import tracker
from crosssite.door import DOOR
from web.django import view_of

app_name = "crosssite"

_TRACKERS = {
    "Kentico.Resource/CrossSiteTracking/": "Logger.js",
    "Kentico.Resource/Activities/KenticoActivityLogger/": "LoggerV2.js",
}

urlpatterns = [
    *[
        path(place.removeprefix("/"), view_of(command))
        for (_, place), command in DOOR.exchanges.items()
    ],
    *[path(folder + name, tracker.stable_address, name=name) for folder, name in _TRACKERS.items()],
    *[path(f"{folder}<slug:version>.js", tracker.versioned_address) for folder in _TRACKERS],
]
