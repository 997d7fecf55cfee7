"""`python -m tests.infra.crds CRD.yaml …`: the KubeRay manifests against KubeRay's own schemas.

The files are helm-chart/kuberay-operator/crds/*.yaml of a KubeRay release. Unknown fields count as
mistakes, as in `kubectl apply --validate=strict`.
"""

import sys
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from tests.infra.files import read


def schemas(path: Path) -> dict[tuple[str, str], Any]:
    """{(apiVersion, kind): schema} of a CustomResourceDefinition."""
    spec = yaml.load(path.read_text(), yaml.CSafeLoader)["spec"]
    return {
        (f"{spec['group']}/{version['name']}", spec["names"]["kind"]): strict(
            version["schema"]["openAPIV3Schema"]
        )
        for version in spec["versions"]
    }


def strict(schema: Any) -> Any:
    """The schema with every object closed to fields that it does not name."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: strict(value) for key, value in schema.items()}
    open_ended = schema.get("x-kubernetes-preserve-unknown-fields")
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
        metadata = set(schema["properties"]) == {"metadata"}
        if not open_ended and not metadata and "additionalProperties" not in schema:
            closed["additionalProperties"] = False
    return closed


def main(paths: list[str]) -> int:
    """Checks both manifests; returns the number of mistakes."""
    known = {key: value for path in paths for key, value in schemas(Path(path)).items()}
    mistakes = 0
    for file in ("raycluster.yaml", "rayjob.yaml"):
        manifest = read(f"kuberay/{file}")
        validator = jsonschema.Draft7Validator(known[manifest["apiVersion"], manifest["kind"]])
        for error in validator.iter_errors(manifest):
            mistakes += 1
            print(f"{file}: {'.'.join(map(str, error.absolute_path))}: {error.message}")
    print(f"{mistakes} mistakes")
    return mistakes


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1:]) else 0)
