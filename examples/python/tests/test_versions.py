"""The other versions of Python that this machine has: the package works on each."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from servers import Simulator

SOURCE = Path(__file__).parents[1] / "src"
OLDEST, NEWEST = 10, 14

SCRIPT = """
import asyncio, os, sys
from klaviyo_connector import AsyncKlaviyo, Email, InvalidInput, Klaviyo, NewProfile

component = sys.argv[1]
endpoint = os.environ["KLAVIYO_ENDPOINT"]
with Klaviyo(endpoint=endpoint, component=component) as klaviyo:
    receipt = klaviyo.opt_in({"email": "priya@example.com", "properties": {"n": 1 << 90}}, list="Y6nRLr")
    person = klaviyo.lookup(Email("priya@example.com"))
    assert person.id == receipt.profile_id and person.properties == {"n": 1 << 90}, person
    try:
        klaviyo.create(NewProfile(phone_number="7"))
    except InvalidInput as error:
        assert error.details[0].pointer == "profile.phone_number"
    assert [each.name for each in klaviyo.lists_of_profile(person.id)]

async def main():
    async with AsyncKlaviyo(endpoint=endpoint, component=component) as klaviyo:
        people = await asyncio.gather(*(klaviyo.lookup(Email("priya@example.com")) for _ in range(20)))
        assert len({person.id for person in people}) == 1

asyncio.run(main())
print(*sys.version_info[:2])
"""


def interpreters() -> list[str]:
    """One of each version, this one among them."""
    found = {sys.version_info[1]: sys.executable}
    folders = [*os.environ.get("PATH", "").split(os.pathsep), *map(str, Path.home().glob(".pyenv/versions/3.*/bin"))]
    for minor in range(OLDEST, NEWEST + 1):
        for folder in folders:
            program = shutil.which(f"python3.{minor}", path=folder)
            # What stands for a version that is not there, fails.
            if program and subprocess.run([program, "--version"], capture_output=True, check=False).returncode == 0:
                found.setdefault(minor, program)
    return [found[minor] for minor in sorted(found)]


@pytest.mark.parametrize("interpreter", interpreters())
def test_a_version(interpreter: str, simulator: Simulator, component: Path, tmp_path: Path) -> None:
    libraries = Path(sysconfig.get_path("purelib"))
    # Neither is compiled for one version.
    for name in ("wasmtime", "urllib3"):
        (tmp_path / name).symlink_to(libraries / name)
    environment = {
        "PYTHONPATH": f"{SOURCE}:{tmp_path}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "KLAVIYO_API_KEY": simulator.key,
        "KLAVIYO_ENDPOINT": simulator.url,
    }
    command = [interpreter, "-W", "error", "-c", SCRIPT, str(component)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    major, minor = done.stdout.split()
    assert major == "3" and OLDEST <= int(minor) <= NEWEST
