"""Users by their email address."""

from django.contrib.auth.models import User


def users_with_email(email: str) -> list[User]:
    """The users with this email in any letter case.

    PostgreSQL takes more letters for the same than a mail server does, such as the i without a dot.
    """
    users = User.objects.filter(email__iexact=email).order_by("pk")
    return [user for user in users if user.email.lower() == email.lower()]
