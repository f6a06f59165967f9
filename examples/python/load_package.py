# SPDX-License-Identifier: Apache-2.0
"""Loads a model package into numpy arrays, and into PyTorch where it is installed.

    python3 load_package.py models/iowa     says what the package holds
"""

import argparse
import dataclasses
import hashlib
import json
import os

from safetensors_numpy import read_safetensors
from save_package import check_arrays


@dataclasses.dataclass
class ModelPackage:
    """What model.yaml and the weights hold; see docs/model-packages.md."""

    architecture: str
    name: str
    region: str
    inputs: list  # [{name, unit, mean, std, min?, max?, source?}]
    outputs: list  # [{name, unit, mean, std, sign}]
    scalers: dict  # {name: {mean, std}}
    parent: dict  # {name, sha256} or {}
    training: dict
    weights_sha256: str
    arrays: dict  # float32 by tensor name

    def scaler(self, name):
        """(mean, std) of an output, a scaler or an input, looked for in this order."""
        for entry in self.outputs:
            if entry["name"] == name:
                return entry["mean"], entry["std"]
        if name in self.scalers:
            return self.scalers[name]["mean"], self.scalers[name]["std"]
        for entry in self.inputs:
            if entry["name"] == name:
                return entry["mean"], entry["std"]
        raise KeyError(f"package {self.name} has no scaler of {name}")

    def state_dict(self):
        """The weights as torch tensors."""
        import torch

        return {name: torch.from_numpy(array.copy()) for name, array in self.arrays.items()}

    def network(self):
        """The PyTorch network with these weights, in evaluation mode."""
        if self.architecture != "kgml-ag-c":
            raise ValueError(f"no PyTorch network is given here for {self.architecture}")
        from kgml_ag_c import KgmlAgC

        network = KgmlAgC({name: self.scaler(name) for name in ("Ra", "GPP", "Yield", "Residue")})
        network.load_state_dict(self.state_dict())
        return network.eval()


def _read_yaml(path):
    try:
        import yaml
    except ImportError as error:
        raise ImportError("reading model.yaml needs PyYAML: apt install python3-yaml, or "
                          "pip install PyYAML") from error

    def value(node, key):
        """Text as it stands, so that the region 010 stays 010; only plain numbers, true, false and
        null of the training record become values."""
        if isinstance(node, yaml.MappingNode):
            result = {}
            for name, item in node.value:
                if name.value in result:
                    raise ValueError(f"{path}: key '{name.value}' is there twice, line "
                                     f"{name.start_mark.line + 1}")
                result[name.value] = value(item, key or name.value)
            return result
        if isinstance(node, yaml.SequenceNode):
            return [value(item, key) for item in node.value]
        if key == "training" and node.style is None:
            try:
                return json.loads(node.value)
            except ValueError:
                pass
        return node.value

    with open(path, encoding="utf-8") as file:
        return value(yaml.compose(file, Loader=yaml.SafeLoader), "")


def _numbers(entry):
    """mean, std, min and max as numbers."""
    return {key: float(text) if key in ("mean", "std", "min", "max") else text
            for key, text in entry.items()}


def load_package(directory):
    """Reads and checks a package: its weights must be those that model.yaml describes."""
    path = os.path.join(directory, "model.yaml")
    document = _read_yaml(path)
    if document.get("fluxtile-model") != "1":
        raise ValueError(f"{path}: not a model package of format 1")
    weights = os.path.join(directory, os.path.basename(document["weights"]["file"]))
    with open(weights, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    if digest != document["weights"]["sha256"].lower():
        raise ValueError(f"{weights}: SHA-256 is {digest}, model.yaml says "
                         f"{document['weights']['sha256']}")
    package = ModelPackage(
        architecture=document["architecture"],
        name=document["name"],
        region=document.get("region", ""),
        inputs=[_numbers(entry) for entry in document["inputs"]],
        outputs=[_numbers(entry) for entry in document["outputs"]],
        scalers={name: _numbers(entry) for name, entry in document.get("scalers", {}).items()},
        parent=document.get("parent", {}),
        training=document.get("training", {}),
        weights_sha256=digest,
        arrays=read_safetensors(weights)[0],
    )
    check_arrays(package.arrays, package.architecture, len(package.inputs))
    return package


def main():
    parser = argparse.ArgumentParser(description="says what a model package holds")
    parser.add_argument("package", help="folder of the package")
    package = load_package(parser.parse_args().package)
    print(f"{package.name}: {package.architecture}" +
          (f", region {package.region}" if package.region else "") +
          (f", fine-tuned from {package.parent['name']}" if package.parent else "") +
          (", trained on synthetic data" if package.training.get("synthetic") else ""))
    for kind, entries in (("input", package.inputs), ("output", package.outputs)):
        for entry in entries:
            print(f"  {kind:6} {entry['name']:10} {entry['mean']:12.6g} +- {entry['std']:<12.6g} "
                  f"{entry['unit']}")
    for name, array in sorted(package.arrays.items()):
        print(f"  tensor {name:28} {'x'.join(map(str, array.shape)):10}")


if __name__ == "__main__":
    main()
