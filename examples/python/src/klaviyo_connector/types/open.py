"""Words of which the contract knows some: any other is a plain string too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated


@dataclass(frozen=True)
class Words:
    """The words that the contract has cases for. Any other word is its case ``other``."""

    known: tuple[str, ...]


Channel = Annotated[str, Words(("email", "sms", "whatsapp", "push"))]
"""Where messages go: ``email`` needs an email; ``sms`` and ``whatsapp`` need a phone number; ``push`` needs any of id, email
and phone number. Another name of Klaviyo's for a channel, such as ``rcs``, is passed on as it is."""

JobStatus = Annotated[str, Words(("queued", "processing", "complete", "cancelled"))]
"""Where Klaviyo is with a job. Another word is Klaviyo's, which this version does not know."""
