"""Text that nobody reads by chance, for the students' edition: compressed and encoded. A curtain, not a lock."""

from __future__ import annotations

import base64
import textwrap
import zlib

_WIDTH = 100


def veil(text: str) -> str:
    """The text, compressed and encoded, in lines.

    Examples:
        >>> unveil(veil("answer = 42"))
        'answer = 42'
    """
    return "\n".join(textwrap.wrap(base64.b85encode(zlib.compress(text.encode(), 9)).decode(), _WIDTH))


def unveil(text: str) -> str:
    """What was veiled."""
    return zlib.decompress(base64.b85decode("".join(text.split()))).decode()
