# SPDX-License-Identifier: Apache-2.0
"""Reads and writes safetensors files with numpy alone.

A file is the length of its header (8 bytes, little-endian), the header (JSON: name -> dtype, shape,
data_offsets) and the arrays' bytes, row-major and little-endian, one after the other.
"""

import json
import math
import os
import struct

import numpy as np

DTYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "I64": "<i8",
    "I32": "<i4",
    "U16": "<u2",
    "U8": "|u1",
}
LARGEST_HEADER = 100 << 20


class BrokenFile(ValueError):
    """A file that is no safetensors file, or not a whole one."""


def read_safetensors(path):
    """Returns (arrays by name, metadata by key)."""
    with open(path, "rb") as file:
        data = file.read()
    if len(data) < 8:
        raise BrokenFile(f"{path}: shorter than its 8-byte length")
    (header_size,) = struct.unpack("<Q", data[:8])
    if header_size > min(len(data) - 8, LARGEST_HEADER):
        raise BrokenFile(f"{path}: a header of {header_size} bytes in a file of {len(data)}")
    try:
        header = json.loads(data[8 : 8 + header_size].decode("utf-8"))
    except ValueError as error:
        raise BrokenFile(f"{path}: the header is no valid JSON: {error}") from error
    metadata = header.pop("__metadata__", {})
    body = memoryview(data)[8 + header_size :]

    arrays = {}
    reached = 0
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        dtype = DTYPES.get(entry["dtype"])
        if dtype is None:
            raise BrokenFile(f"{path}: tensor '{name}' has type {entry['dtype']}, "
                             f"not one of {', '.join(DTYPES)}")
        begin, end = entry["data_offsets"]
        count = math.prod(entry["shape"])
        if begin != reached or end > len(body) or end - begin != count * np.dtype(dtype).itemsize:
            raise BrokenFile(f"{path}: tensor '{name}' does not fit its place in the file")
        reached = end
        arrays[name] = np.frombuffer(body[begin:end], dtype=dtype).reshape(entry["shape"]).copy()
    if reached != len(body):
        raise BrokenFile(f"{path}: {len(body) - reached} bytes after the last tensor")
    return arrays, metadata


def write_safetensors(path, arrays, metadata=None):
    """Writes arrays by name; the file appears whole or not at all."""
    names = {np.dtype(dtype): name for name, dtype in DTYPES.items()}
    header = {}
    if metadata:
        header["__metadata__"] = {str(key): str(value) for key, value in metadata.items()}
    parts = []
    reached = 0
    # Wide types first: each array is then aligned to its own type.
    for name in sorted(arrays, key=lambda key: (-np.asarray(arrays[key]).dtype.itemsize, key)):
        array = np.asarray(arrays[name], order="C")
        little = array.astype(array.dtype.newbyteorder("<"), copy=False)
        if little.dtype not in names:
            raise TypeError(f"tensor '{name}' has type {array.dtype}: convert it to one of "
                            f"{', '.join(DTYPES)}")
        part = little.tobytes()
        header[name] = {
            "dtype": names[little.dtype],
            "shape": list(array.shape),
            "data_offsets": [reached, reached + len(part)],
        }
        reached += len(part)
        parts.append(part)
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    text += b" " * (-len(text) % 8)
    write_whole(path, struct.pack("<Q", len(text)) + text + b"".join(parts))


def write_whole(path, data):
    """Writes beside the target and renames, so that no reader sees half a file."""
    beside = f"{path}.{os.getpid()}.part"
    with open(beside, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)
