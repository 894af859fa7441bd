"""Where requests may go: to Klaviyo, by an address that can be read in one way only."""

from __future__ import annotations

import pytest

from klaviyo_connector._egress import target

KLAVIYO = "https://a.klaviyo.com"


@pytest.mark.parametrize("path", ["/", "/api/profiles/", "/api/lists/%2F..%2F/x.y/", "/a?b=%22&c=d/../e?f", "//x/"])
def test_allowed(path: str) -> None:
    assert target(KLAVIYO + path) == path


@pytest.mark.parametrize(
    "url",
    [
        *("", "/", KLAVIYO, "http://a.klaviyo.com/", "HTTPS://a.klaviyo.com/", "https://A.klaviyo.com/"),
        *("https://b.klaviyo.com/", "https://a.klaviyo.com:443/", "https://a.klaviyo.com:8443/"),
        *("https://a.klaviyo.com./", "https://a.klaviyo.com.example/", "https://a.klaviyo.com@example.com/"),
        *("https://x@a.klaviyo.com/", "https://example.com/https://a.klaviyo.com/", " https://a.klaviyo.com/"),
        *(f"{KLAVIYO}\\/x", f"{KLAVIYO}/\\x", f"{KLAVIYO}/x#y", f"{KLAVIYO}/x y", f"{KLAVIYO}/é", f"{KLAVIYO}/%zz"),
        *(f"{KLAVIYO}/%", f"{KLAVIYO}/x\n", f"{KLAVIYO}/x\r\ny: z", f"{KLAVIYO}/\0", f'{KLAVIYO}/?"', f"{KLAVIYO}/?a|b"),
        *(f"{KLAVIYO}/./x", f"{KLAVIYO}/x/..", f"{KLAVIYO}/%2e/x", f"{KLAVIYO}/x/.%2E/?y"),
    ],
)
def test_refused(url: str) -> None:
    assert target(url) is None
