"""Why a call failed: one class for each thing that a caller does next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .usage import Usage


@dataclass(frozen=True)
class Detail:
    """One entry of Klaviyo's ``errors``, or the connector's own on invalid input."""

    code: str
    """Such as ``duplicate_profile``. Klaviyo adds to them."""
    title: str
    """In a few words, what is wrong."""
    detail: str
    """What is wrong, in a sentence. Empty where Klaviyo left it out."""
    pointer: str | None
    """The member of the request, or the field of the argument, that it is about."""


class KlaviyoError(Exception):
    """A call failed. ``str()`` of it is a sentence that says what happened and what to do.

    A code that has no class of its own below is raised as this class: show the message, and do not repeat the call.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str = "other",
        status: int | None = None,
        retry_after: int | None = None,
        details: tuple[Detail, ...] = (),
        duplicate: str | None = None,
        request_id: str | None = None,
        body: str = "",
        done: int = 0,
        usage: Usage | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        """A sentence for a person: what happened, and what to do."""
        self.code = code
        """The contract's code, such as ``rate-limited``."""
        self.status = status
        """The HTTP status, when there was an answer."""
        self.retry_after = retry_after
        """Seconds to wait before the call is repeated, where Klaviyo has said so."""
        self.details = details
        """Klaviyo's reasons; on invalid input one of the connector's own, whose ``pointer`` is the field."""
        self.duplicate = duplicate
        """The profile that holds an identifier already."""
        self.request_id = request_id
        """Klaviyo's id of the request, for its support."""
        self.body = body
        """The start of the answer's body, at most 4 KiB."""
        self.done = done
        """How many items of the call were dealt with before it failed."""
        self.usage = usage
        """What the call used. ``None``: this is a ``stopped`` of a result, or nothing was called."""


class InvalidInput(KlaviyoError):
    """An argument cannot work, and nothing was sent. Correct the field that ``details`` names."""


class Unauthenticated(KlaviyoError):
    """401: the key is wrong."""


class Forbidden(KlaviyoError):
    """403: the key lacks a scope. The message names the scopes."""


class NotFound(KlaviyoError):
    """404: the list, profile or job does not exist in this account."""


class Conflict(KlaviyoError):
    """409, or a name that several lists have. ``duplicate`` has the profile that holds an identifier, if one does."""


class Rejected(KlaviyoError):
    """Any other 4xx: Klaviyo refuses the request. ``details`` say which value."""


class RateLimited(KlaviyoError):
    """429: wait ``retry_after`` seconds, or back off where it is ``None``; then repeat."""


class Retired(KlaviyoError):
    """The endpoint was removed, or the API revision is unknown. Update the connector."""


class Unavailable(KlaviyoError):
    """5xx: Klaviyo has a problem. Repeat later; ``submit_import`` only after a look at ``imports``."""


class Blocked(KlaviyoError):
    """A refusal that is not Klaviyo's, but of the network before it. Check where requests come from."""


class Denied(KlaviyoError):
    """This package refused to send the request. The message says why."""


class TimedOut(KlaviyoError):
    """No answer in time. Repeat, or raise the limit that the message names; ``submit_import`` only after a look at
    ``imports``."""


class ConnectionFailed(KlaviyoError):
    """The connection failed. Repeat; ``submit_import`` only after a look at ``imports``."""


class TooLarge(KlaviyoError):
    """The request or the answer is larger than the limit that the message names."""


class Malformed(KlaviyoError):
    """Klaviyo's answer cannot be read. Report it, with ``body``."""


class LimitExceeded(KlaviyoError):
    """The call was stopped, since it needed more than a limit allows. Requests that it had sent may have taken effect."""

    def __init__(self, message: str, *, limit: str = "", **fields: Any) -> None:
        super().__init__(message, **fields)
        self.limit = limit
        """The field of ``Limits``."""


class Trapped(KlaviyoError):
    """The component trapped, which is a defect in it. Requests that it had sent may have taken effect."""


BY_CODE: dict[str, type[KlaviyoError]] = {
    "invalid-input": InvalidInput,
    "unauthenticated": Unauthenticated,
    "forbidden": Forbidden,
    "not-found": NotFound,
    "conflict": Conflict,
    "rejected": Rejected,
    "rate-limited": RateLimited,
    "retired": Retired,
    "unavailable": Unavailable,
    "blocked": Blocked,
    "denied": Denied,
    "timeout": TimedOut,
    "connection": ConnectionFailed,
    "too-large": TooLarge,
    "malformed": Malformed,
}


class ConfigurationError(KlaviyoError, ValueError):
    """A client cannot be made as it is asked for: the sentence names the parameter. No call was made."""


class ComponentError(KlaviyoError):
    """The file is missing, or is not the Klaviyo connector. No call was made."""


def found(value: object) -> str:
    """What was found in place of what is taken: its class, and never the value, which may be somebody's."""
    return f"the class {value.__name__} itself" if isinstance(value, type) else type(value).__name__
