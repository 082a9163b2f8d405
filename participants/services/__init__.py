"""Changes to what is on record of participants."""

from participants.services.registration import Registration, register, register_many

__all__ = ["Registration", "register", "register_many"]
