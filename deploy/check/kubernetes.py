"""Checks manifests without a cluster: each by the API of the oldest and of the newest Kubernetes, and that what they
select is among them.

    python kubernetes.py FILE
"""

import sys
from collections.abc import Iterator

from kubernetes_validate import SchemaNotFoundError, ValidationError, validate
from ruamel.yaml import YAML

VERSIONS = ["1.30", "1.37"]


def objects(value: object, name: str = "") -> Iterator[tuple[str, dict]]:
    """The objects in it, each with the name that it is under; other namespaces' labels are not ours to know."""
    if isinstance(value, dict) and name != "namespaceSelector":
        yield name, value
        for key, inner in value.items():
            yield from objects(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from objects(inner, name)


def wrong(resource: dict, pods: list[dict], names: set[tuple[str, str]]) -> Iterator[str]:
    for version in VERSIONS:
        try:
            validate(resource, version, strict=True)
        except ValidationError as error:
            yield f"{'.'.join(map(str, error.path))}: {error.message} (Kubernetes {version})"
        except SchemaNotFoundError as error:
            yield error.message
    for name, value in objects(resource):
        selects = name == "matchLabels" or (name == "selector" and resource["kind"] == "Service")
        if selects and not any(value.items() <= pod.items() for pod in pods):
            yield f"no pod has the labels {value}"
        if name == "scaleTargetRef" and (value["kind"], value["name"]) not in names:
            yield f"there is no {value['kind']} {value['name']}"


def main() -> int:
    # Other than Kubernetes' own, this parser refuses a name that is written twice.
    with open(sys.argv[1]) as file:
        resources = list(YAML(typ="safe", pure=True).load_all(file))
    pods = [value["metadata"]["labels"] for _, value in objects(resources) if "containers" in value.get("spec", {})]
    names = {(resource["kind"], resource["metadata"]["name"]) for resource in resources}
    problems = [
        f"{resource['kind']} {resource['metadata']['name']}: {problem}"
        for resource in resources
        for problem in wrong(resource, pods, names)
    ]
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
