from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import servers

from klaviyo_connector import _accounts, client

TARGET = Path(__file__).parents[3] / "target"


@pytest.fixture(autouse=True)
def accounts(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test waits for what another has sent by the same key."""
    monkeypatch.setattr(client, "ACCOUNTS", _accounts.Accounts())


@pytest.fixture(autouse=True)
def no_proxy_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The servers of the tests are on loopback, whatever proxy this machine has."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(scope="session")
def component() -> Path:
    """The component as it was built last, not as some wheel has it."""
    file = TARGET / "component" / "klaviyo.wasm"
    assert file.is_file(), "run `cargo xtask build` first"
    return file


@pytest.fixture(scope="session")
def hostile() -> Path:
    """Guests that misbehave, one behaviour each: see host-test/hostile."""
    folder = TARGET / "component" / "hostile"
    assert folder.is_dir(), "run `cargo xtask hostile` first"
    return folder


@pytest.fixture(scope="session")
def program() -> Path:
    """The command that has the simulator."""
    file = TARGET / "klaviyo-connector"
    assert file.is_file(), "run `cargo xtask build` first"
    return file


@pytest.fixture
def simulator(program: Path) -> Iterator[servers.Simulator]:
    with servers.simulator(program) as running:
        yield running
