"""Users, sites and protocol versions as they are stored."""

from django.contrib.auth.models import AbstractUser


class User(AbstractUser):
    """Someone who signs in; stands in the first migration, so that it can grow later."""
