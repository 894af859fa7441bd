"""The proxy that the environment names, by the variables and the rules of curl and of `urllib`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies_environment, proxy_bypass

import urllib3

from .errors import ConfigurationError


@dataclass(frozen=True)
class Proxy:
    """A proxy that speaks HTTP. To an `https://` origin it passes what it cannot read."""

    variable: str
    """Which variable names it, for a person."""
    url: str
    """Without user and password."""
    headers: dict[str, str] = field(repr=False)

    @classmethod
    def of_environment(cls, origin: str) -> Proxy | None:
        """The proxy for an origin; none where no variable names one, or `NO_PROXY` has the origin's host."""
        named = getproxies_environment()
        scheme, host = urlsplit(origin).scheme, urlsplit(origin).netloc
        which = scheme if named.get(scheme) else "all"
        if not (url := named.get(which)) or proxy_bypass(host):
            return None
        return cls._read(url, f"{which.upper()}_PROXY")

    @classmethod
    def _read(cls, url: str, variable: str) -> Proxy:
        # As curl does it: a proxy without a scheme is one that speaks HTTP.
        parts = urlsplit(url if "://" in url else f"http://{url}")
        try:
            host, port = parts.hostname or "", parts.port
        except ValueError:
            host, port = "", None
        taken = "such as http://proxy.example.com:3128; a host in NO_PROXY needs none, and trust_env=False leaves it out"
        if parts.scheme not in ("http", "https"):
            # Not the whole: it may have a password.
            shown = f", found {parts.scheme}://" if re.fullmatch("[a-z0-9.+-]{1,16}", parts.scheme) else ""
            raise ConfigurationError(f"{variable}: expected the URL of an HTTP proxy{shown}; write one {taken}")
        if not re.fullmatch(r"[A-Za-z0-9.\-]+|[0-9A-Fa-f:.]+", host):
            raise ConfigurationError(f"{variable}: it names no host; write one {taken}")
        name = f"[{host}]" if ":" in host else host
        headers = {}
        if parts.username is not None:
            credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            try:
                headers = urllib3.make_headers(proxy_basic_auth=credentials)
            except UnicodeEncodeError:
                raise ConfigurationError(f"{variable}: its user or password has characters beyond Latin-1") from None
        return cls(variable, f"{parts.scheme}://{name}" + (f":{port}" if port else ""), headers)
