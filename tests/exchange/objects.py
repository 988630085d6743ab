"""Objects of configuration files, one of each kind."""

CHANNEL = {"kind": "channel", "code_name": "app", "name": "App"}
WEBSITE = {"kind": "channel", "code_name": "site", "name": "Site", "type": "website"} | {
    "domain": "www.example.com"
}
SITE = {"kind": "tracked_site", "code_name": "shop", "name": "Shop"} | {
    "url": "https://shop.example.com",
    "channel": "site",
}
CONSENT = {"kind": "consent", "code_name": "Mail", "name": "Mail"}
TYPE = {"kind": "activity_type", "code_name": "custom_a", "name": "A"}
