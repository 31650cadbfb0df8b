"""Find data that an ONNX file wants read from elsewhere, in its bytes and without the onnx package.

A tensor of an ONNX graph may name a file (`external_data`), and ONNX Runtime reads it: from the working
directory where the graph came as bytes; in older releases from anywhere on the disk, and under a reserved
name from a raw memory address (microsoft/onnxruntime pull requests 26776, 27430 and 28709 closed these one by
one). A bundle's graphs hold their weights themselves, so that every byte that is run was hashed; a graph that
points elsewhere is refused before ONNX Runtime sees it.

The walk follows the protobuf wire format through every message that can hold a tensor (a test compares the
table below with the descriptors of the onnx package), and refuses what it cannot follow.
"""

from __future__ import annotations

from collections.abc import Iterator

_CHILDREN: dict[str, dict[int, str]] = {
    "ModelProto": {7: "GraphProto", 20: "TrainingInfoProto", 25: "FunctionProto"},
    "TrainingInfoProto": {1: "GraphProto", 2: "GraphProto"},
    "FunctionProto": {7: "NodeProto", 11: "AttributeProto"},
    "GraphProto": {1: "NodeProto", 5: "TensorProto", 15: "SparseTensorProto"},
    "NodeProto": {5: "AttributeProto"},
    "AttributeProto": {
        5: "TensorProto",
        6: "GraphProto",
        10: "TensorProto",
        11: "GraphProto",
        22: "SparseTensorProto",
        23: "SparseTensorProto",
    },
    "SparseTensorProto": {1: "TensorProto", 2: "TensorProto"},
    "TensorProto": {},
}
"""Message → field number → message, wherever a tensor may lie below."""

_EXTERNAL_DATA = 13
_DATA_LOCATION = 14

LENGTH_DELIMITED = 2
"""Wire type of bytes, texts and messages."""

_VARINT, _FIXED64, _FIXED32 = 0, 1, 5
_MAX_TAG = (1 << 32) - 1


def has_external_data(onnx_bytes: bytes) -> bool:
    """Return whether a tensor of the graph lies outside these bytes.

    Raises:
        ValueError: If the bytes are not a protobuf message.
    """
    pending = [("ModelProto", 0, len(onnx_bytes))]
    while pending:
        message, start, stop = pending.pop()
        children = _CHILDREN[message]
        for field, wire_type, value, end in read_fields(onnx_bytes, start, stop):
            if message == "TensorProto":
                # 0, the default, is inside the file. Readers cut larger numbers to 32 bits: all others count.
                if field == _EXTERNAL_DATA or (
                    field == _DATA_LOCATION and (wire_type, value) != (_VARINT, 0)
                ):
                    return True
            elif field in children and wire_type == LENGTH_DELIMITED:
                pending.append((children[field], value, end))
    return False


def read_fields(data: bytes, position: int, stop: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield (field number, wire type, value, end); the value is a number, or where the bytes start."""
    while position < stop:
        tag, position = _read_varint(data, position, stop)
        field, wire_type = tag >> 3, tag & 7
        if tag > _MAX_TAG or field == 0:
            raise ValueError(f"no field has the tag {tag}")
        value = position
        if wire_type == _VARINT:
            value, position = _read_varint(data, position, stop)
        elif wire_type == LENGTH_DELIMITED:
            length, value = _read_varint(data, position, stop)
            position = value + length
        elif wire_type in (_FIXED32, _FIXED64):
            position += 4 if wire_type == _FIXED32 else 8
        else:
            raise ValueError(f"wire type {wire_type} does not occur in ONNX")
        if position > stop:
            raise ValueError("a field reaches beyond its message")
        yield field, wire_type, value, position


def _read_varint(data: bytes, position: int, stop: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if position >= stop:
            raise ValueError("a number reaches beyond its message")
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise ValueError("a number is longer than 64 bits")
