"""The methods of `AsyncKlaviyo`, from those of `Klaviyo`: the same text, to be awaited, so that editors show all of it.

python tests/awaited.py writes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "src" / "klaviyo_connector"


def files() -> Iterator[tuple[Path, str]]:
    """Each file, and what it has to be."""
    for file in sorted((PACKAGE / "methods").glob("*.py")):
        text = file.read_text()
        changes = {
            "Caller": "AsyncCaller",
            "    def ": "    async def ",
            "return self._call(": "return await self._call(",
            "class Functions(": "class AsyncFunctions(",
            '"Functions"': '"AsyncFunctions"',
            "All functions of the contract.": "All functions of the contract, to be awaited.",
            '"""\n\nfrom': ' To be awaited: written by `tests/awaited.py`."""\n\nfrom',
        }
        for old, new in changes.items():
            text = text.replace(old, new, 1 if old.startswith('"""') else -1)
        yield PACKAGE / "awaited" / file.name, text


if __name__ == "__main__":
    for file, text in files():
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
