"""QR codes of printed sheets: as few modules as the text allows, drawn as one SVG path or as a PNG."""

import re
import struct
import zlib
from functools import lru_cache, reduce
from operator import xor

from qrcode import QRCode
from qrcode.constants import ERROR_CORRECT_M
from qrcode.util import MODE_8BIT_BYTE, MODE_ALPHA_NUM, QRData

QUIET_ZONE = 4
# Trying all eight masks takes six times as long. Over random codes mask 4 has the lowest mean penalty, 7 % above the
# best mask of each code, and any mask is valid for a reader.
_MASK = 4
# A run of this length is shorter in alphanumeric mode even with the headers of the segments around it.
_ALPHANUMERIC_RUN = re.compile(r"([0-9A-Z $%*+\-./:]{10,})")
_DARK_RUN = re.compile("1+")
# The values of the alphanumeric mode (ISO/IEC 18004, table 5); two letters make one number of eleven bits.
_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_PAIR_BITS = 11


def slip_url(base_url: str, code: str) -> str:
    """Return the address in a slip's QR code: upper case, so that all but the `#` is alphanumeric (a smaller code).

    The code stands in the fragment, which browsers send to no server and so to no log.
    """
    return f"{base_url.rstrip('/')}/v#{code}".upper()


def qr_svg_path(text: str) -> tuple[int, str]:
    """Return the side in modules, quiet zone of 4 on each side included, and the `d` of one SVG path (fill, dark).

    Error correction M; the smallest version that holds `text`: 3 for slips of hosts up to 29 characters.
    """
    return _path(_modules(text))


def slip_qr_path(base_url: str, code: str) -> tuple[int, str]:
    """Return what `qr_svg_path` draws of a slip's address, in a fiftieth of the time.

    code: letters of the alphanumeric mode, an even number of them. Raises ValueError for others.
    """
    side, blank, tables = _slip_family(base_url, len(code))
    pairs = (
        len(_LETTERS) * _LETTERS.index(first) + _LETTERS.index(second)
        for first, second in zip(code[::2], code[1::2], strict=True)
    )
    drawn = f"{reduce(xor, (table[pair] for table, pair in zip(tables, pairs, strict=True)), blank):0{side * side}b}"
    return _path([drawn[row : row + side] for row in range(0, side * side, side)])


@lru_cache(maxsize=4)
def _slip_family(base_url: str, length: int) -> tuple[int, int, tuple[list[int], ...]]:
    """Return the side of all slips' QR codes, the modules of the code 00…0 as one number, and what each pair changes.

    Placing, masking and error correction are linear over GF(2), so the modules of any code are those of 00…0, changed
    (exclusive or) by what every bit of it changes alone; the library is asked for each bit once.
    """

    def modules(code: str) -> int:
        return int("".join(_modules(slip_url(base_url, code))), 2)

    zeros = "0" * length
    blank = modules(zeros)
    tables = []
    for place in range(0, length, 2):
        table = [0]
        for bit in range(_PAIR_BITS):
            first, second = divmod(1 << bit, len(_LETTERS))
            alone = modules(zeros[:place] + _LETTERS[first] + _LETTERS[second] + zeros[place + 2 :]) ^ blank
            table += [changed ^ alone for changed in table]
        tables.append(table)
    return len(_modules(slip_url(base_url, zeros))), blank, tuple(tables)


def _path(modules: list[str]) -> tuple[int, str]:
    parts = []
    for y, row in enumerate(modules):
        for run in _DARK_RUN.finditer(row):
            x, length = run.start(), run.end() - run.start()
            parts.append(f"M{x} {y}h{length}v1H{x}z")
    return len(modules), "".join(parts)


def qr_png(text: str, box: int) -> bytes:
    """Return a one-bit greyscale PNG of the QR code with quiet zone; a module is `box` pixels wide."""
    modules = _modules(text)
    side = len(modules) * box
    row_bytes = (side + 7) // 8
    pixels = bytearray()
    for row in modules:
        bits = "".join(("0" if module == "1" else "1") * box for module in row)
        packed = int(bits.ljust(row_bytes * 8, "1"), 2).to_bytes(row_bytes, "big")
        pixels += (b"\0" + packed) * box
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(pixels), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_png_chunk(kind, data) for kind, data in chunks)


def _modules(text: str) -> list[str]:
    """Return the rows of the QR code with quiet zone, one character a module: 1 dark, 0 light."""
    code = QRCode(error_correction=ERROR_CORRECT_M, border=QUIET_ZONE, mask_pattern=_MASK)
    for segment in filter(None, _ALPHANUMERIC_RUN.split(text)):
        mode = MODE_ALPHA_NUM if _ALPHANUMERIC_RUN.fullmatch(segment) else MODE_8BIT_BYTE
        code.add_data(QRData(segment.encode(), mode=mode, check_data=False))
    return ["".join("1" if module else "0" for module in row) for row in code.get_matrix()]


def _png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
