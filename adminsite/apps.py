from django.apps import AppConfig


class AdminSiteConfig(AppConfig):
    name = "adminsite"
    verbose_name = "Admin site"
