"""Changes to what is on record of participants."""

from participants.services.registration import ConsentGiven, Registration, register, register_many

__all__ = ["ConsentGiven", "Registration", "register", "register_many"]
