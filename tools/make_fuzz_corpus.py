#!/usr/bin/env python3
"""Writes the seeds of the file format fuzzers to fuzz/corpus/.  usage: tools/make_fuzz_corpus.py"""
import json
import struct
from pathlib import Path

CORPUS = Path(__file__).resolve().parent.parent / "fuzz" / "corpus"
U8, I8, U16, I16, U32, I32, F32, BOOL, STRING, ARRAY, U64, I64, F64 = range(13)
PACK = {U8: "<B", I8: "<b", U16: "<H", I16: "<h", U32: "<I", I32: "<i", F32: "<f", BOOL: "<B", U64: "<Q", I64: "<q",
        F64: "<d"}


def text(value):
    return struct.pack("<Q", len(value.encode())) + value.encode()


def value_bytes(kind, value):
    if kind == STRING:
        return text(value)
    if kind == ARRAY:
        element, values = value
        return struct.pack("<IQ", element, len(values)) + b"".join(value_bytes(element, v) for v in values)
    return struct.pack(PACK[kind], value)


def gguf(metadata, tensors, alignment=32):
    """metadata: (key, kind, value); tensors: (name, shape innermost first, dtype, bytes)."""
    out = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata))
    for key, kind, value in metadata:
        out += text(key) + struct.pack("<I", kind) + value_bytes(kind, value)
    data = b""
    for name, shape, dtype, content in tensors:
        data += b"\0" * (-len(data) % alignment)
        out += text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, dtype, len(data))
        data += content
    return out + b"\0" * (-len(out) % alignment) + data


def safetensors(tensors, metadata=None):
    """tensors: (name, dtype, shape, bytes)."""
    header, data = {}, b""
    if metadata:
        header["__metadata__"] = metadata
    for name, dtype, shape, content in tensors:
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    head = json.dumps(header).encode()
    head += b" " * (-len(head) % 8)
    return struct.pack("<Q", len(head)) + head + data


def tokenizer(pre_tokenizer, **changes):
    file = {"added_tokens": [{"id": 3, "content": "<s>", "special": True}], "normalizer": {"type": "NFC"},
            "pre_tokenizer": pre_tokenizer, "decoder": {"type": "ByteLevel"},
            "post_processor": {"type": "TemplateProcessing",
                               "single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}]},
            "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]}}
    file.update(changes)
    return json.dumps(file).encode()


def seeds():
    scalars = [(f"k.{kind}", kind, 1) for kind in PACK]
    arrays = [(f"a.{kind}", ARRAY, (kind, [0, 1])) for kind in PACK] + [("a.s", ARRAY, (STRING, ["", "b"]))]
    yield "fuzz_gguf/empty", gguf([], [])
    yield "fuzz_gguf/metadata", gguf([("general.name", STRING, "seed")] + scalars + arrays, [])
    yield "fuzz_gguf/tensors", gguf([], [("a", [2], 0, bytes(8)), ("b", [32, 2], 8, bytes(68)), ("c", [1, 2, 1, 1], 1, bytes(4))])
    yield "fuzz_gguf/alignment", gguf([("general.alignment", U32, 8)], [("a", [1], 0, bytes(4)), ("b", [32], 2, bytes(18))], 8)
    yield "fuzz_safetensors/empty", safetensors([])
    yield "fuzz_safetensors/tensors", safetensors([("a", "F32", [1, 2], bytes(8)), ("b", "BF16", [], bytes(2))], {"format": "pt"})
    yield "fuzz_safetensors/misaligned", safetensors([("a", "F16", [1], bytes(2)), ("b", "F64", [1], bytes(8))])
    yield "fuzz_hf/config", json.dumps({"architectures": ["X"], "rope_scaling": {"factor": 8.0}, "n": [1, 2.5], "f": None}).encode()
    yield "fuzz_hf/gpt2", tokenizer({"type": "ByteLevel", "add_prefix_space": False})
    yield "fuzz_hf/starcoder", tokenizer({"type": "Sequence", "pretokenizers": [
        {"type": "Digits", "individual_digits": True}, {"type": "ByteLevel", "add_prefix_space": False}]})


for name, content in seeds():
    path = CORPUS / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
