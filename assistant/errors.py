"""Errors that a person can act on.

    AisleError                 base: one sentence that names the value and the remedy
    ├── BadInput               what came in cannot be used             exit 2, status 400
    │   ├── SignInRefused      a token or code that proves nothing     exit 2, status 401
    │   ├── Forbidden          known, but not allowed to do this      exit 2, status 403
    │   ├── NotFound           no such thing, or it is another's       exit 2, status 404
    │   ├── Conflict           it cannot be done in this state         exit 2, status 409
    │   └── TooMany            asked for too often                     exit 2, status 429
    ├── SetupNeeded            the home is missing or half-written     exit 2, status 503
    ├── WeightsError           weights missing, corrupt or unloadable  exit 2, status 503
    ├── ModelError             the language model did not answer       exit 1, status 503
    └── StorageError           the disk is full or the database fails  exit 1, status 507

Every other exception is a defect: it is logged with a reference and the shopper is offered
a person.
"""

from __future__ import annotations


class AisleError(Exception):
    exit_code = 1
    status = 500

    def __init__(self, message: str, chinese: str = "") -> None:
        super().__init__(message)
        self.message = message
        self._chinese = chinese

    def sentence(self, language: str) -> str:
        """The message in "en" or "zh", in English where it has no Chinese."""
        return self._chinese if language == "zh" and self._chinese else self.message


class BadInput(AisleError):
    exit_code = 2
    status = 400


class SignInRefused(BadInput):
    status = 401


class Forbidden(BadInput):
    status = 403


class NotFound(BadInput):
    status = 404


class Conflict(BadInput):
    status = 409


class TooMany(BadInput):
    status = 429


class SetupNeeded(AisleError):
    exit_code = 2
    status = 503


class WeightsError(AisleError):
    exit_code = 2
    status = 503


class ModelError(AisleError):
    status = 503


class StorageError(AisleError):
    status = 507
