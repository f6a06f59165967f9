# SPDX-License-Identifier: Apache-2.0
"""Makes a model package (model.yaml + weights.safetensors) from a PyTorch state_dict and scalers.

    python3 save_package.py weights.pt --scalers scalers.json --name iowa --region IA --out models/iowa
    python3 save_package.py weights.pt --like models/global --parent models/global --name iowa --out models/iowa

scalers.json holds `inputs` (in the network's order), `outputs` and, for kgml-ag-c, `scalers`, as in
model.yaml; docs/model-packages.md explains each key.
"""

import argparse
import hashlib
import json
import math
import os
import re

import numpy as np

from architectures import (CARBON_FLUX, KGML_AG_C_INPUTS, KGML_AG_C_SCALERS, OUTPUT_SIGNS,
                           tensor_shapes)
from safetensors_numpy import read_safetensors, write_safetensors, write_whole

_YAML_WORDS = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}


def _text(value):
    """A YAML scalar: plain where nothing can be mistaken, else in double quotes."""
    value = str(value)
    if re.fullmatch(r"[A-Za-z][A-Za-z0-9_\-. ]*", value) and value.lower() not in _YAML_WORDS \
            and not value.endswith(" ") and "  " not in value:
        return value
    return json.dumps(value, ensure_ascii=False)


def _number(value, what):
    value = float(value)
    if not math.isfinite(value):
        raise ValueError(f"{what} is {value}")
    return repr(value)


def _scaler(entry, what):
    if not float(entry["std"]) > 0:
        raise ValueError(f"{what}: std must be above 0, found {entry['std']}")
    return f"mean: {_number(entry['mean'], what)}, std: {_number(entry['std'], what)}"


def _input(entry):
    text = f"name: {_text(entry['name'])}, unit: {_text(entry['unit'])}, " \
           f"{_scaler(entry, 'input ' + entry['name'])}"
    for bound in ("min", "max"):
        if entry.get(bound) is not None:
            text += f", {bound}: {_number(entry[bound], entry['name'])}"
    if entry.get("source"):
        text += f", source: {_text(entry['source'])}"
    return f"  - {{{text}}}\n"


def _output(entry):
    return f"  - {{name: {entry['name']}, unit: {CARBON_FLUX}, " \
           f"{_scaler(entry, 'output ' + entry['name'])}, sign: {OUTPUT_SIGNS[entry['name']]}}}\n"


def arrays_of(state_dict):
    """A state_dict as float32 numpy arrays, whatever its tensors are."""
    arrays = {}
    for name, tensor in state_dict.items():
        if hasattr(tensor, "detach"):
            tensor = tensor.detach().cpu().numpy()
        arrays[name] = np.asarray(tensor, dtype=np.float32)
    return arrays


def check_arrays(arrays, architecture, inputs):
    """Names, shapes and numbers fit the architecture; else ValueError that names the tensor."""
    shapes = tensor_shapes(architecture, inputs)
    for name in sorted(set(arrays) ^ set(shapes)):
        where = "does not belong to" if name in arrays else "is missing for"
        raise ValueError(f"tensor '{name}' {where} {architecture}")
    for name, array in arrays.items():
        if array.dtype != np.float32:
            raise ValueError(f"tensor '{name}' is {array.dtype}, not float32")
        if array.shape != shapes[name]:
            raise ValueError(f"tensor '{name}' has shape {list(array.shape)}, expected "
                             f"{list(shapes[name])}")
        if not np.isfinite(array).all():
            raise ValueError(f"tensor '{name}' holds a value that is not finite")


def _check_names(kind, entries, expected):
    found = [entry["name"] for entry in entries]
    if found != expected:
        raise ValueError(f"{kind} are {', '.join(found)}; expected, in this order: "
                         f"{', '.join(expected)}")


def save_package(directory, state_dict, inputs, outputs, scalers=None, *, name,
                 architecture="kgml-ag-c", region=None, parent=None, training=None):
    """Writes a package.

    inputs: [{name, unit, mean, std, min?, max?, source?}] in the network's order; outputs: the same
    of Ra, Rh, NEE (name, mean, std); scalers: {"GPP": {mean, std}, "Yield": ..., "Residue": ...}
    for kgml-ag-c. parent: {name, sha256} of the package it was fine-tuned from. training: what is
    worth knowing about how it came to be; set training["synthetic"] = True if the labels were
    simulated.
    """
    _check_names("outputs", outputs, list(OUTPUT_SIGNS))
    if architecture == "kgml-ag-c":
        _check_names("inputs", inputs, [known for known, _ in KGML_AG_C_INPUTS])
        if sorted(scalers or {}) != sorted(KGML_AG_C_SCALERS):
            raise ValueError(f"scalers needed: {', '.join(KGML_AG_C_SCALERS)}")
    elif scalers:
        raise ValueError(f"{architecture} has no scalers besides those of inputs and outputs")
    arrays = arrays_of(state_dict)
    check_arrays(arrays, architecture, len(inputs))

    text = f"fluxtile-model: 1\narchitecture: {architecture}\nname: {_text(name)}\n"
    if region:
        text += f"region: {_text(region)}\n"
    if parent:
        text += f"parent: {{name: {_text(parent['name'])}, sha256: {_text(parent['sha256'])}}}\n"
    text += "inputs:\n" + "".join(_input(entry) for entry in inputs)
    text += "outputs:\n" + "".join(_output(entry) for entry in outputs)
    if scalers:
        text += "scalers:\n"
        text += "".join(f"  {key}: {{{_scaler(scalers[key], key)}}}\n" for key in KGML_AG_C_SCALERS)

    os.makedirs(directory, exist_ok=True)
    weights = os.path.join(directory, "weights.safetensors")
    write_safetensors(weights, arrays, {"format": "pt"})
    with open(weights, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    text += f"weights: {{file: weights.safetensors, sha256: {_text(digest)}}}\n"
    if training:
        # JSON is YAML.
        text += f"training: {json.dumps(training, ensure_ascii=False, allow_nan=False)}\n"
    write_whole(os.path.join(directory, "model.yaml"), text.encode("utf-8"))


def read_state_dict(path):
    """Tensors of a .safetensors file, or of a .pt file (which needs torch). No code is run."""
    if path.endswith(".safetensors"):
        return read_safetensors(path)[0]
    import torch

    return torch.load(path, map_location="cpu", weights_only=True)


def main():
    parser = argparse.ArgumentParser(description="makes a model package from a state_dict")
    parser.add_argument("weights", help="state_dict: .pt or .safetensors")
    parser.add_argument("--out", required=True, help="folder of the package")
    parser.add_argument("--name", required=True)
    parser.add_argument("--region", help="region it was tuned for")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--scalers", help="JSON file with inputs, outputs, scalers")
    source.add_argument("--like", help="package whose inputs, outputs and scalers are taken")
    parser.add_argument("--parent", help="package it was fine-tuned from")
    parser.add_argument("--training", help="JSON file with a record of the training")
    parser.add_argument("--synthetic", action="store_true", help="the labels were simulated")
    options = parser.parse_args()

    from load_package import load_package

    if options.like:
        like = load_package(options.like)
        parts = {"architecture": like.architecture, "inputs": like.inputs, "outputs": like.outputs,
                 "scalers": like.scalers}
    else:
        with open(options.scalers, encoding="utf-8") as file:
            parts = json.load(file)
    parent = None
    if options.parent:
        package = load_package(options.parent)
        parent = {"name": package.name, "sha256": package.weights_sha256}
    training = {}
    if options.training:
        with open(options.training, encoding="utf-8") as file:
            training = json.load(file)
    if options.synthetic:
        training["synthetic"] = True
    save_package(options.out, read_state_dict(options.weights), parts["inputs"], parts["outputs"],
                 parts.get("scalers"), name=options.name,
                 architecture=parts.get("architecture", "kgml-ag-c"), region=options.region,
                 parent=parent, training=training)
    print(options.out)


if __name__ == "__main__":
    main()
