"""Puts the component into the wheel."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Component(BuildHookInterface[Any]):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        component = Path(self.root, "../../target/component/klaviyo.wasm").resolve()
        if not component.is_file():
            raise SystemExit("there is no target/component/klaviyo.wasm: run `cargo xtask build` in the project first")
        build_data["force_include"][str(component)] = "klaviyo_connector/klaviyo.wasm"
