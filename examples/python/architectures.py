# SPDX-License-Identifier: Apache-2.0
"""What is fixed about the networks that fluxtile runs: inputs, outputs, tensors and their shapes."""

CARBON_FLUX = "gC m-2 d-1"

KGML_AG_C_INPUTS = [
    ("RADN", "MJ m-2 d-1"), ("TMAX_AIR", "degC"), ("TDIF_AIR", "degC"), ("HMAX_AIR", "kPa"),
    ("HDIF_AIR", "kPa"), ("WIND", "km d-1"), ("PRECN", "mm d-1"), ("Crop_Type", "1"),
    ("GPP", CARBON_FLUX), ("Year", "year"), ("TBKDS", "Mg m-3"), ("TSAND", "g kg-1"),
    ("TSILT", "g kg-1"), ("TFC", "m3 m-3"), ("TWP", "m3 m-3"), ("TKSat", "mm h-1"),
    ("TSOC", "gC kg-1"), ("TPH", "1"), ("TCEC", "cmol kg-1"),
]
"""Names and usual units, in order. The unit of GPP is fixed; others are what the scalers are in."""

OUTPUT_SIGNS = {
    "Ra": "negative-is-release",
    "Rh": "negative-is-release",
    "NEE": "negative-is-uptake",
}
KGML_AG_C_SCALERS = ["GPP", "Yield", "Residue"]

HIDDEN = 64


def _recurrent(name, gates, inputs, layers):
    shapes = {}
    for layer in range(layers):
        shapes[f"{name}.weight_ih_l{layer}"] = (gates * HIDDEN, inputs if layer == 0 else HIDDEN)
        shapes[f"{name}.weight_hh_l{layer}"] = (gates * HIDDEN, HIDDEN)
        shapes[f"{name}.bias_ih_l{layer}"] = (gates * HIDDEN,)
        shapes[f"{name}.bias_hh_l{layer}"] = (gates * HIDDEN,)
    return shapes


def _linear(name, inputs, outputs):
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def tensor_shapes(architecture, inputs):
    """Shape of every tensor by its name in a PyTorch state_dict; `inputs`: how many there are."""
    if architecture in ("gru", "lstm"):
        gates = 3 if architecture == "gru" else 4
        return {**_recurrent("rnn", gates, inputs, 2), **_linear("head", HIDDEN, 3)}
    if architecture != "kgml-ag-c":
        raise ValueError(f"architecture '{architecture}' is not known here: "
                         "kgml-ag-c, gru or lstm")
    shapes = {
        **_recurrent("gru_basic", 3, inputs, 2),
        **_recurrent("gru_Ra", 3, HIDDEN + inputs, 1),
        **_recurrent("gru_Rh", 3, 1 + HIDDEN + inputs, 2),
        **_recurrent("gru_NEE", 3, 2 + inputs, 1),
    }
    for head in ("densor_Ra", "densor_Rh", "densor_NEE"):
        shapes.update(_linear(head, HIDDEN, 1))
    for branch in ("attn", "densor_yield"):
        for place, outputs in zip((0, 2, 4, 6), (64, 64, 32, 1)):
            shapes.update(_linear(f"{branch}.{place}", 32 if place == 6 else 64, outputs))
    return shapes
