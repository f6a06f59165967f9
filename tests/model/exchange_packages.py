# SPDX-License-Identifier: Apache-2.0
"""Python's half of python_packages_test.cpp: exchange_packages.py SOURCE ACTION FOLDER.

Ends with 77 where a library is missing, 1 and a message where something does not hold.
"""

import os
import re
import subprocess
import sys

source, action, folder = sys.argv[1:]
sys.path.insert(0, os.path.join(source, "examples", "python"))
try:
    import numpy as np
    import yaml  # noqa: F401
    import torch
except ImportError as error:
    print(error)
    sys.exit(77)

from architectures import KGML_AG_C_INPUTS, tensor_shapes
from kgml_ag_c import KgmlAgC
from load_package import load_package
from safetensors_numpy import BrokenFile, read_safetensors, write_safetensors
from save_package import save_package


def path(*names):
    return os.path.join(folder, *names)


def scaler(random, mean):
    return {"mean": mean + random.normal(), "std": abs(random.normal()) + 0.1}


def export():
    """A network with random weights as a package, and what it gives for random inputs."""
    random = np.random.default_rng(5)
    torch.manual_seed(5)
    inputs = [dict(name=name, unit=unit, min=-1e9, max=1e9, source="made: by hand", **scaler(random, 1))
              for name, unit in KGML_AG_C_INPUTS]
    outputs = [dict(name=name, **scaler(random, 0)) for name in ("Ra", "Rh", "NEE")]
    gpp = {key: inputs[8][key] for key in ("mean", "std")}
    scalers = {"GPP": gpp, "Yield": {"mean": 50, "std": 20}, "Residue": {"mean": 200, "std": 150}}
    pairs = {key: (value["mean"], value["std"]) for key, value in scalers.items()}
    pairs["Ra"] = (outputs[0]["mean"], outputs[0]["std"])
    network = KgmlAgC(pairs).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(1.5).add_(0.05 * torch.randn_like(parameter))
    x = torch.randn(5, 2, 365, 19)
    # From barren to rich sites: the residue is 0 for some and above 0 for others.
    x[..., 8] += torch.linspace(-4, 4, 5)[:, None, None]
    fluxes, harvest, hidden = [], [], None
    with torch.no_grad():
        for year in range(2):
            out = network(x[:, year], hidden)
            fluxes.append(out[0])
            harvest.append(out[1])
            hidden = out[2]
    save_package(path("package"), network.state_dict(), inputs, outputs, scalers, name="äpfel \"x\"",
                 region="010", training={"synthetic": True, "note": "a: b", "epochs": 3})
    write_safetensors(path("run.safetensors"), {
        "x": x.numpy(), "fluxes": torch.stack(fluxes, 1).numpy(),
        "yield": torch.stack(harvest, 1).numpy(),
        "hidden": torch.cat(hidden).numpy()})


def again():
    """Loads a package that C++ wrote; writes it once more, and its arrays alone."""
    package = load_package(path("package"))
    write_safetensors(path("arrays.safetensors"), package.arrays)
    save_package(path("again"), package.state_dict() if package.architecture == "kgml-ag-c"
                 else package.arrays, package.inputs, package.outputs, package.scalers,
                 name=package.name, architecture=package.architecture, region=package.region,
                 parent=package.parent, training=package.training)
    assert load_package(path("again")).arrays.keys() == package.arrays.keys()


def refused(error, text, call):
    try:
        call()
    except error as found:
        assert text in str(found), f"'{text}' is not in: {found}"
        return
    raise AssertionError(f"not refused: {text}")


def refusals():
    package = load_package(path("package"))

    def save(**changes):
        parts = {"inputs": package.inputs, "outputs": package.outputs, "scalers": package.scalers}
        arrays = dict(package.arrays, **changes.pop("arrays", {}))
        parts.update(changes)
        save_package(path("refused"), {k: v for k, v in arrays.items() if v is not None}, name="x",
                     **parts)

    bias = package.arrays["attn.0.bias"].copy()
    bias[3] = np.nan
    refused(ValueError, "attn.0.bias", lambda: save(arrays={"attn.0.bias": bias}))
    refused(ValueError, "expected [64]", lambda: save(arrays={"attn.0.bias": np.zeros(63)}))
    refused(ValueError, "missing", lambda: save(arrays={"attn.0.bias": None}))
    refused(ValueError, "does not belong", lambda: save(arrays={"attn.9.bias": np.zeros(64)}))
    refused(ValueError, "in this order", lambda: save(inputs=package.inputs[::-1]))
    refused(ValueError, "std must be above 0",
            lambda: save(scalers=dict(package.scalers, GPP={"mean": 0, "std": 0})))
    refused(ValueError, "scalers needed", lambda: save(scalers={}))
    assert not os.path.exists(path("refused")), "a refused package was written"

    weights = path("package", "weights.safetensors")
    with open(weights, "r+b") as file:
        file.seek(-1, os.SEEK_END)
        last = file.read(1)[0]
        file.seek(-1, os.SEEK_END)
        file.write(bytes([last ^ 1]))
    refused(ValueError, "SHA-256", lambda: load_package(path("package")))
    with open(weights, "r+b") as file:
        file.truncate(os.path.getsize(weights) - 4)
    refused(BrokenFile, "does not fit", lambda: read_safetensors(weights))
    assert sum(np.prod(shape) for shape in tensor_shapes("kgml-ag-c", 19).values()) == 161413


def readme():
    """The three commands and the program of the README, as they stand there."""
    with open(os.path.join(source, "examples", "python", "README.md"), encoding="utf-8") as file:
        text = file.read()
    commands, program = re.findall(r"```(?:python)?\n(.*?)```", text, re.S)
    lines = [line.split("#")[0] for line in commands.strip().splitlines()]
    assert len(lines) == 3
    environment = dict(os.environ, PYTHONPATH=os.path.join(source, "examples", "python"))
    for line in lines:
        words = line.replace("../models/demo-global", "package").split()
        words[0], words[1] = sys.executable, os.path.join(source, "examples", "python", words[1])
        subprocess.run(words, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
    subprocess.run([sys.executable, "-c", program], cwd=folder, env=environment, check=True,
                   stdout=subprocess.DEVNULL)
    before, after = load_package(path("models", "mine")), load_package(path("models", "tuned"))
    assert after.parent == {"name": "mine", "sha256": before.weights_sha256}
    for name in before.arrays:
        same = np.array_equal(before.arrays[name], after.arrays[name])
        frozen = name.split(".")[0] in ("gru_basic", "attn", "densor_yield")
        assert same == frozen, name


{"export": export, "again": again, "refusals": refusals, "readme": readme}[action]()
