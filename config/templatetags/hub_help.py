"""The way from a page of the admin to the document about it."""

from django.template import Library

from config.help.topics import help_url

register = Library()

register.filter("help_url", help_url)
