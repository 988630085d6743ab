"""Making users of the admin."""

from django.contrib.auth.models import User
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from adminsite.roles import all_roles, give_roles

# What the login form takes.
LONGEST_PASSWORD = 1_000


def make_user(name: str, *, role: str, password: str, email: str = "") -> User:
    """A new user who may use the admin, as far as the role with the code `role` goes.

    :raises ValidationError: if a part is missing or wrong, or the name is taken
    """
    codes = [one.code for one in all_roles()]
    if role not in codes:
        known = ", ".join(codes)
        raise ValidationError(f"There is no role {role!r}. Give one of: {known}.")
    _check_name(name)
    _check_password(password)
    try:
        with transaction.atomic():
            user = User.objects.create_user(name, email, password, is_staff=True)
            give_roles(user, [role])
    except IntegrityError:
        raise ValidationError(_taken(name)) from None
    return user


def _check_name(name: str) -> None:
    longest = User._meta.get_field("username").max_length
    if not name:
        raise ValidationError("Give the name of the user.")
    if longest is not None and len(name) > longest:
        raise ValidationError(f"The name has more than {longest} characters.")
    UnicodeUsernameValidator()(name)
    # Users log in with the name as it is normalised.
    if User.objects.filter(username=User.normalize_username(name)).exists():
        raise ValidationError(_taken(name))


def _check_password(password: str) -> None:
    if not password:
        raise ValidationError("Give a password: --password TEXT, or - to read it from stdin.")
    if len(password) > LONGEST_PASSWORD or "\0" in password:
        raise ValidationError(
            f"A password has at most {LONGEST_PASSWORD:,} characters, and no NUL among them."
        )


def _taken(name: str) -> str:
    return f"There is a user {name!r} already."
