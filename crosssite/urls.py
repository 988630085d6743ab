"""The paths that the tracker uses, on the domain of a website channel."""

from django.urls import path

from crosssite import tracker, views

app_name = "crosssite"

_COMMANDS = "Kentico.CrossSiteTracking"
_TRACKERS = {
    "Kentico.Resource/CrossSiteTracking/": "Logger.js",
    "Kentico.Resource/Activities/KenticoActivityLogger/": "LoggerV2.js",
}

urlpatterns = [
    path(f"{_COMMANDS}/ConsentData", views.ConsentDataView.as_view(), name="consent-data"),
    path(f"{_COMMANDS}/ConsentStatus", views.ConsentStatusView.as_view(), name="consent-status"),
    path(f"{_COMMANDS}/ConsentAgree", views.ConsentAgreeView.as_view(), name="consent-agree"),
    path(f"{_COMMANDS}/ConsentRevoke", views.ConsentRevokeView.as_view(), name="consent-revoke"),
    path(f"{_COMMANDS}/Log", views.LogView.as_view(), name="log"),
    path(f"{_COMMANDS}/Link", views.LinkView.as_view(), name="link"),
    path(f"{_COMMANDS}/Arrive", views.ArriveView.as_view(), name="arrive"),
    *[path(folder + name, tracker.stable_address, name=name) for folder, name in _TRACKERS.items()],
    *[path(f"{folder}<slug:version>.js", tracker.versioned_address) for folder in _TRACKERS],
]
