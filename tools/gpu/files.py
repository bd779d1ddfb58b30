"""The files that training elsewhere shares with the program: GGUF models of f32 tensors, token files of `bantam train`
(src/train/token_file.cpp) and the compressed arrays that travel to the machine with the GPU."""
import json, lzma, struct

import numpy as np

SCALARS = {0: 'B', 1: 'b', 2: 'H', 3: 'h', 4: 'I', 5: 'i', 6: 'f', 7: '?', 10: 'Q', 11: 'q', 12: 'd'}
STRING, ARRAY, F32, ALIGNMENT = 8, 9, 0, 32
TOKENS_MAGIC = 0x32534E454B4F5442  # "BTOKENS2"


class Gguf:
    """A model whose tensors are all f32: `metadata`, and `tensors`, name -> array in the file's order."""

    def __init__(self, path):
        self.bytes = open(path, 'rb').read()
        magic, version, tensors, keys = struct.unpack_from('<4sIQQ', self.bytes)
        if magic != b'GGUF' or version != 3:
            raise ValueError(f'{path}: begins with {magic} version {version}, expected GGUF version 3')
        self.at = 24
        self.metadata = {}
        for _ in range(keys):
            key = self._text()
            self.metadata[key] = self._value(self._scalar('I'))
        records = []
        for _ in range(tensors):
            name, dims = self._text(), self._scalar('I')
            shape = [self._scalar('Q') for _ in range(dims)][::-1]
            dtype, offset = self._scalar('I'), self._scalar('Q')
            if dtype != F32:
                raise ValueError(f"{path}: tensor '{name}' is of type {dtype}, expected {F32} (f32)")
            records.append((name, shape, offset))
        self.data_at = -(-self.at // ALIGNMENT) * ALIGNMENT
        self.places = {name: self.data_at + offset for name, _, offset in records}
        self.tensors = {name: np.frombuffer(self.bytes, '<f4', int(np.prod(shape)), self.places[name]).reshape(shape)
                        for name, shape, _ in records}

    def write_with(self, tensors, path):
        """The same file with other values of all its tensors."""
        out = bytearray(self.bytes)
        for name, old in self.tensors.items():
            if tensors[name].shape != old.shape:
                raise ValueError(f"tensor '{name}' has shape {tensors[name].shape}, expected {old.shape}")
            values = np.ascontiguousarray(tensors[name], '<f4').tobytes()
            out[self.places[name]:self.places[name] + len(values)] = values
        with open(path, 'wb') as file:
            file.write(out)

    def _scalar(self, code):
        value, = struct.unpack_from('<' + code, self.bytes, self.at)
        self.at += struct.calcsize('<' + code)
        return value

    def _text(self):
        size = self._scalar('Q')
        self.at += size
        return self.bytes[self.at - size:self.at].decode('utf-8', 'surrogateescape')

    def _value(self, kind):
        if kind == STRING:
            return self._text()
        if kind == ARRAY:
            element, count = self._scalar('I'), self._scalar('Q')
            return [self._value(element) for _ in range(count)]
        return self._scalar(SCALARS[kind])


def read_tokens(path):
    """(ids, tags or None, starts) of a token file: document d is [starts[d], starts[d + 1])."""
    data = open(path, 'rb').read()
    size, magic = struct.unpack_from('<QQ', data, len(data) - 16)
    if magic != TOKENS_MAGIC:
        raise ValueError(f'{path}: is no token file of this version')
    counts = json.loads(data[-16 - size:-16])
    tokens, documents = counts['tokens'], counts['documents']
    width = 2 if counts['vocab'] <= 65536 else 4
    ids = np.frombuffer(data, f'<u{width}', tokens)
    at = -(-tokens * width // 8) * 8
    starts = np.frombuffer(data, '<u8', documents + 1, at).astype(np.int64)
    at += (documents + 1 + counts['uncounted_words']) * 8
    tags = np.frombuffer(data, 'u1', tokens, at) if counts['tags'] else None
    return ids, tags, starts


def save_packed(path, arrays):
    """Arrays under their names, each compressed alone. Two-byte ids compress best with two-byte contexts."""
    with open(path, 'wb') as file:
        for name, array in arrays.items():
            bits = int(array.itemsize > 1)
            filters = [{'id': lzma.FILTER_LZMA2, 'preset': 3, 'lp': bits, 'pb': bits, 'lc': 3}]
            packed = lzma.compress(array.tobytes(), lzma.FORMAT_XZ, filters=filters)
            head = json.dumps({'name': name, 'dtype': array.dtype.str, 'bytes': len(packed)}).encode()
            file.write(struct.pack('<I', len(head)) + head + packed)


def load_packed(path):
    data, at, arrays = open(path, 'rb').read(), 0, {}
    while at < len(data):
        size, = struct.unpack_from('<I', data, at)
        head = json.loads(data[at + 4:at + 4 + size])
        at += 4 + size
        arrays[head['name']] = np.frombuffer(lzma.decompress(data[at:at + head['bytes']]), head['dtype'])
        at += head['bytes']
    return arrays
