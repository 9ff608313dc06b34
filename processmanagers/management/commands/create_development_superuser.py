"""Makes the superuser with whom a developer looks at the admin; never in production."""

import secrets
from typing import Final

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

USERNAME: Final = "admin"


class Command(BaseCommand):
    """Make the superuser `admin` with a password by chance and print it, once."""

    help = "Makes the superuser `admin` where there is none and prints its password; only with DEBUG."

    def handle(self, *_args: object, **_options: object) -> None:
        """Make the superuser, or say how to get in where there is one."""
        if not settings.DEBUG:
            raise CommandError("create_development_superuser works only with DEBUG=true; use createsuperuser")
        if User.objects.filter(username=USERNAME).exists():
            self.stdout.write(
                f"The superuser {USERNAME} exists; for a new password: manage.py changepassword {USERNAME}"
            )
            return
        password = secrets.token_urlsafe(12)
        User.objects.create_superuser(USERNAME, password=password)
        self.stdout.write(f"Made the superuser {USERNAME} for development, with the password {password}")
