#!/usr/bin/env python3
"""Make the two fonts in `survey/data/fonts/`: Noto Sans CJK SC, cut down to what an education bureau prints.

Needs fonttools (in an environment of its own; no dependency of 五评) and Debian's packages fonts-noto-cjk
(1:20220127; SIL Open Font License 1.1, see OFL.txt) and unicode-data (Unihan 15: property kTGH, the 8,105 characters
of 通用规范汉字表, State Council 2013). The family is renamed, so that nobody takes the part for the whole.
"""

import bz2
import re
import sys
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTCollection, TTFont

FAMILY = "Wuping Sans"
FONTS = Path(__file__).parents[1] / "survey" / "data" / "fonts"
SOURCES = Path("/usr/share/fonts/opentype/noto")
UNIHAN = Path("/usr/share/unicode/Unihan_OtherMappings.txt.bz2")
SC_IN_COLLECTION = 2
WEIGHTS = ("Regular", "Bold")
# Latin with accents (place names, English), general punctuation, arrows, circled numbers, box lines, full width.
RANGES = (
    (0x20, 0x7E),
    (0xA0, 0x17F),
    (0x2C7, 0x2D9),
    (0x391, 0x3C9),
    (0x400, 0x451),
    (0x2010, 0x2027),
    (0x2030, 0x203B),
    (0x20AC, 0x20AC),
    (0x2103, 0x2122),
    (0x2160, 0x217F),
    (0x2190, 0x2199),
    (0x2200, 0x22FF),
    (0x2460, 0x249B),
    (0x2500, 0x257F),
    (0x25A0, 0x25EF),
    (0x2605, 0x2606),
    (0x2713, 0x2717),
    (0x3000, 0x301F),
    (0x3220, 0x3229),
    (0xFF01, 0xFF65),
    (0xFFE0, 0xFFE5),
)
# Characters of names outside the table that registry offices have met: traditional or variant forms and old spellings.
NAMES = (
    "〇甯喆堃昇淼祎翀暐頔玥珺犇骉焱垚鑫晟曌煊嫚珅崟梽栢凃鵬嶠賁彥淸眞鄧陳張劉黃趙楊吳"
    "孫馬羅鄭謝韓馮許蘇盧蔣賈葉閻餘鍾譚鄒陸喬賀賴龔萬錢湯嚴覃"
)


def wanted() -> set[int]:
    """Return the code points to keep: the table, GB 2312, the ranges above, names."""
    with bz2.open(UNIHAN, "rt", encoding="utf-8") as file:
        table = {int(found[1], 16) for found in re.finditer(r"^U\+(\w+)\tkTGH\t", file.read(), re.MULTILINE)}
    if len(table) != 8105:
        sys.exit(f"{UNIHAN} holds {len(table)} characters of the table, not 8105")
    gb2312 = {
        ord(bytes((high, low)).decode("gb2312", "ignore") or " ")
        for high in range(0xA1, 0xF8)
        for low in range(0xA1, 0xFF)
    }
    ranges = {point for first, last in RANGES for point in range(first, last + 1)}
    kana = set(range(0x3040, 0x3100))
    return (table | gb2312 | ranges | set(map(ord, NAMES))) - kana


def subset(weight: str) -> TTFont:
    """Return the font of a weight with the wanted glyphs and the features that horizontal text needs."""
    font = TTCollection(SOURCES / f"NotoSansCJK-{weight}.ttc").fonts[SC_IN_COLLECTION]
    options = Options(layout_features=["kern", "ccmp"], name_IDs=["*"], notdef_outline=True)
    options.hinting = False
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=wanted())
    subsetter.subset(font)
    rename(font, weight)
    return font


def rename(font: TTFont, weight: str) -> None:
    """Give the part a name of its own; copyright, trademark and licence stay."""
    names = {1: FAMILY, 2: weight, 3: f"{FAMILY} {weight}", 4: f"{FAMILY} {weight}", 6: f"WupingSans-{weight}"}
    table = font["name"]
    table.names = [record for record in table.names if record.nameID in {0, 5, 7, 8, 9, 11, 13, 14}]
    for number, text in names.items():
        table.setName(text, number, 3, 1, 0x409)
    cff = font["CFF "].cff
    cff.fontNames = [names[6]]
    cff.topDictIndex[0].FullName = names[4]
    cff.topDictIndex[0].FamilyName = FAMILY


def main() -> None:
    """Write both weights."""
    for weight in WEIGHTS:
        font = subset(weight)
        font["head"].modified = font["head"].created
        font.recalcTimestamp = False
        path = FONTS / f"WupingSans-{weight}.otf"
        font.save(path)
        sys.stdout.write(f"{path.name}: {len(font.getBestCmap())} characters, {path.stat().st_size} bytes\n")


if __name__ == "__main__":
    main()
