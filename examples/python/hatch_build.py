"""Puts the component into the wheel and into the source distribution, which builds without the project then."""

import os
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface


class Component(BuildHookInterface[Any]):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if Path(self.root, "src/klaviyo_connector/klaviyo.wasm").is_file():
            # This is a source distribution, and it is among the files of the package.
            return
        # A copy of this folder is told where the project is.
        project = os.environ.get("KLAVIYO_CONNECTOR") or Path(self.root, "../..")
        component = Path(project, "target/component/klaviyo.wasm").resolve()
        if not component.is_file():
            raise SystemExit(
                f"there is no {component}: run `cargo xtask build` in the project first, and in a copy of this folder set "
                "KLAVIYO_CONNECTOR to the project's folder"
            )
        package = "klaviyo_connector" if self.target_name == "wheel" else "src/klaviyo_connector"
        build_data["force_include"][str(component)] = f"{package}/klaviyo.wasm"


class Links(MetadataHookInterface):
    """The links of the metadata, below the address of the repository that the package is released from."""

    def update(self, metadata: dict[str, Any]) -> None:
        repository = os.environ.get("KLAVIYO_CONNECTOR_REPOSITORY", "").rstrip("/")
        version = metadata["version"]
        metadata["urls"] = (
            {
                "Homepage": repository,
                "Repository": repository,
                "Documentation": f"{repository}/tree/v{version}/examples/python",
                "Changelog": f"{repository}/blob/v{version}/CHANGELOG.md",
            }
            if repository
            else {}
        )


def get_build_hook() -> type[Component]:
    return Component


def get_metadata_hook() -> type[Links]:
    return Links
