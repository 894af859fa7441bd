"""Where requests may go."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from .errors import ConfigurationError, found

KLAVIYO = "https://a.klaviyo.com"

# Path and query in their one normal form: no fragment, nothing that two parsers could read in two ways.
_TARGET = re.compile(r"/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/?]|%[0-9A-Fa-f]{2})*")
_DOTS = re.compile(r"(?:\.|%2e){1,2}", re.IGNORECASE)


def target(url: str) -> str | None:
    """The path and query of a URL at Klaviyo; none where it is anything else."""
    if not url.startswith(f"{KLAVIYO}/"):
        return None
    rest = url[len(KLAVIYO) :]
    if not _TARGET.fullmatch(rest) or any(map(_DOTS.fullmatch, rest.partition("?")[0].split("/"))):
        return None
    return rest


def origin(endpoint: str) -> str:
    """An endpoint, checked: a scheme, a host, perhaps a port."""
    if not isinstance(endpoint, str):
        raise ConfigurationError(f"endpoint: expected str, got {found(endpoint)}")
    example = "write one like http://127.0.0.1:4010, or leave it out for the real Klaviyo"
    rest = re.fullmatch(r"(https?)://([A-Za-z0-9.\-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?/?", endpoint)
    if rest is None:
        raise ConfigurationError(f"endpoint: it is not http:// or https:// with a host and perhaps a port; {example}")
    try:
        port = urlsplit(endpoint).port
    except ValueError:
        port = 0
    if port == 0:
        raise ConfigurationError(f"endpoint: there is no such port; {example}")
    return endpoint.rstrip("/")
