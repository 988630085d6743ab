"""The looks of the admin: what Unfold is told."""

from django.templatetags.static import static
from django.urls import reverse_lazy

UNFOLD = {
    "SITE_TITLE": "Throughline",
    "SITE_HEADER": "Throughline",
    "SITE_SUBHEADER": "Marketing hub",
    "SITE_URL": None,
    "SITE_ICON": lambda request: static("adminsite/icon.svg"),
    "SITE_FAVICONS": [
        {
            "rel": "icon",
            "type": "image/svg+xml",
            "sizes": "any",
            "href": lambda request: static("adminsite/icon.svg"),
        }
    ],
    "STYLES": [lambda request: static("adminsite/admin.css")],
    "SCRIPTS": [
        lambda request: static("adminsite/admin.js"),
        lambda request: static("adminsite/palette.js"),
    ],
    "DASHBOARD_CALLBACK": "config.dashboard.dashboard",
    "SHOW_BACK_BUTTON": True,
    "ACCOUNT": {
        "navigation": [
            {"title": "Password", "link": reverse_lazy("account_change_password")},
            {"title": "Two-factor", "link": reverse_lazy("mfa_index")},
            {
                "title": "Sessions",
                "link": reverse_lazy("admin:usersessions_usersession_changelist"),
            },
            {"title": "Time zone", "link": reverse_lazy("account_time_zone")},
        ]
    },
    "SHOW_VIEW_ON_SITE": False,
    "SIDEBAR": {"navigation": "config.navigation.sidebar"},
    "TABS": "config.navigation.tabs",
    # Petrol: white text on 600, and 400 on the dark background, have a contrast above 4.5.
    "COLORS": {
        "primary": {
            "50": "oklch(97.5% .014 205)",
            "100": "oklch(94.5% .03 205)",
            "200": "oklch(89.5% .055 206)",
            "300": "oklch(82% .09 208)",
            "400": "oklch(73% .11 210)",
            "500": "oklch(62% .11 213)",
            "600": "oklch(49.5% .09 216)",
            "700": "oklch(43% .08 219)",
            "800": "oklch(37% .067 222)",
            "900": "oklch(31% .055 225)",
            "950": "oklch(23% .042 228)",
        }
    },
}
