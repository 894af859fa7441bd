"""What people write for an email and a phone number: it is cleaned, or refused with nothing sent."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from klaviyo_connector import Bounds, Email, HttpRequest, HttpResponse, InvalidInput, Klaviyo, PhoneNumber

CASES = Path(__file__).parents[3] / "host-test" / "cases"


class Nobody:
    """A Klaviyo that knows nobody, and the filters that it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def send(self, request: HttpRequest, bounds: Bounds) -> HttpResponse:
        self.asked += parse_qs(urlsplit(request.url).query)["filter"]
        return HttpResponse(200, (), b'{"data":[]}')

    def close(self) -> None:
        pass


class Lookup:
    def __init__(self, client: Klaviyo, nobody: Nobody) -> None:
        self.client = client
        self.nobody = nobody

    def __call__(self, by: Email | PhoneNumber, *, is_right: bool) -> list[str]:
        if is_right:
            assert self.client.lookup(by) is None
        else:
            with pytest.raises(InvalidInput):
                self.client.lookup(by)
        asked, self.nobody.asked = self.nobody.asked, []
        return asked


@pytest.fixture(scope="module")
def lookup(component: Path) -> Iterator[Lookup]:
    nobody = Nobody()
    with Klaviyo("pk_test", transport=nobody, component=component) as client:
        yield Lookup(client, nobody)


def test_phone_numbers_come_out_right(lookup: Lookup) -> None:
    with (CASES / "phones.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if not row["region"]]
    assert len(rows) > 40
    for row in rows:
        right = row["right"]
        is_right = right.startswith("+")
        asked = lookup(PhoneNumber(row["written"]), is_right=is_right)
        assert asked == ([f'equals(phone_number,"{right}")'] if is_right else []), row


def test_emails_come_out_right(lookup: Lookup) -> None:
    lines = (CASES / "emails.jsonl").read_text(encoding="utf-8").splitlines()
    cases = [json.loads(line) for line in lines]
    assert len(cases) > 25
    for case in cases:
        right: str = case["right"]
        is_right = "refused" not in right
        quoted = right.replace('"', '\\"')
        asked = lookup(Email(case["written"]), is_right=is_right)
        assert asked == ([f'equals(email,"{quoted}")'] if is_right else []), case
