"""SentencePiece's protocol buffer, piece by piece: models without the package that trains them."""

import struct

NORMAL, UNKNOWN, CONTROL = 1, 2, 3


def _field(number, content):
    return bytes([number << 3 | 2, len(content)]) + content


def piece(text, score, kind):
    """The bytes of one piece; a model is the bytes of its pieces one after another."""
    score = bytes([2 << 3 | 5]) + struct.pack("<f", score)
    return _field(1, _field(1, text.encode()) + score + bytes([3 << 3, kind]))
