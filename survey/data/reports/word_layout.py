"""Pages, styles and parts of Word templates after GB/T 9704 (党政机关公文格式), for `make_templates.py`."""

from collections.abc import Sequence
from typing import Any

from docx import Document
from docx.document import Document as Draft
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor
from docx.styles.style import ParagraphStyle
from docx.table import Table, _Cell
from docx.text.paragraph import Paragraph

TITLE, BODY, HEADING, SUBHEADING, DIGITS = "方正小标宋简体", "仿宋_GB2312", "黑体", "楷体_GB2312", "Times New Roman"
RED = RGBColor(0xC8, 0x10, 0x10)
TEXT_WIDTH = 156
CENTRE, LEFT, RIGHT, JUSTIFY = (
    WD_ALIGN_PARAGRAPH.CENTER,
    WD_ALIGN_PARAGRAPH.LEFT,
    WD_ALIGN_PARAGRAPH.RIGHT,
    WD_ALIGN_PARAGRAPH.JUSTIFY,
)


def new_row(table: Any) -> Any:
    """Add a row to a table; python-docx tells no type of it."""
    return table.add_row()


def new_draft() -> Draft:
    """Return an empty A4 page with its styles and page numbers."""
    draft = Document()
    section = draft.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.top_margin, section.bottom_margin = Mm(37), Mm(35)
    section.left_margin, section.right_margin = Mm(28), Mm(26)
    section.footer_distance = Mm(24)
    draft.settings.odd_and_even_pages_header_footer = True
    _page_number(section.footer.paragraphs[0], RIGHT)
    _page_number(section.even_page_footer.paragraphs[0], LEFT)
    _styles(draft)
    draft.core_properties.author = draft.core_properties.comments = ""
    return draft


def _styles(draft: Draft) -> None:
    normal = draft.styles["Normal"]
    _font(normal, BODY, 16)
    normal.paragraph_format.space_after = Pt(0)
    for level, font, points in ((1, HEADING, 16), (2, SUBHEADING, 14)):
        style = draft.styles[f"Heading {level}"]
        _font(style, font, points)
        style.font.color.rgb = RGBColor(0, 0, 0)
        _space(style, before=10, after=4, line=None)
        style.paragraph_format.keep_with_next = True
    for name, font, size, align, line in (
        ("House head", TITLE, 36, CENTRE, None),
        ("House title", TITLE, 22, CENTRE, 34),
        ("House subtitle", SUBHEADING, 16, CENTRE, 28),
        ("House line", SUBHEADING, 11, CENTRE, 18),
        ("House address", BODY, 16, LEFT, 29),
        ("House body", BODY, 14, JUSTIFY, 26),
        ("House report", BODY, 12, JUSTIFY, 20),
        ("House warning", HEADING, 13, JUSTIFY, 22),
        ("House note", BODY, 10.5, JUSTIFY, 17),
        ("House cell", BODY, 10.5, LEFT, 15),
        ("House picture", BODY, 10.5, CENTRE, None),
        ("House control", BODY, 2, LEFT, None),
    ):
        style = draft.styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
        style.base_style = normal
        _font(style, font, size)
        style.paragraph_format.alignment = align
        _space(style, before=0, after=3, line=line)
    draft.styles["House head"].font.color.rgb = RED
    draft.styles["House body"].paragraph_format.first_line_indent = Pt(28)
    draft.styles["House report"].paragraph_format.first_line_indent = Pt(24)
    draft.styles["House title"].paragraph_format.space_before = Pt(18)
    draft.styles["House cell"].paragraph_format.space_after = Pt(0)


def _space(style: ParagraphStyle, *, before: float, after: float, line: float | None) -> None:
    shape = style.paragraph_format
    shape.space_before, shape.space_after = Pt(before), Pt(after)
    if line is not None:
        shape.line_spacing_rule, shape.line_spacing = WD_LINE_SPACING.EXACTLY, Pt(line)


def _font(style: ParagraphStyle, name: str, size: float) -> None:
    """Set the Chinese font by name; digits and Latin letters are Times New Roman."""
    style.font.name, style.font.size = DIGITS, Pt(size)
    style.font.bold = style.font.italic = False
    fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
    for theme in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
        fonts.attrib.pop(qn(f"w:{theme}"), None)
    fonts.set(qn("w:eastAsia"), name)
    fonts.set(qn("w:hint"), "eastAsia")


def red_head(draft: Draft, text: str) -> None:
    """The head in red with its rule, and the line for the number, which the officer fills in."""
    rule(draft.add_paragraph(text, style="House head"), colour="C81010", size=18)


def rule(paragraph: Paragraph, *, colour: str = "000000", size: int = 8) -> None:
    """Draw a rule under a paragraph; size in eighths of a point."""
    borders = OxmlElement("w:pBdr")
    bottom = OxmlElement("w:bottom")
    for key, value in (("val", "single"), ("sz", str(size)), ("space", "6"), ("color", colour)):
        bottom.set(qn(f"w:{key}"), value)
    borders.append(bottom)
    # The schema wants borders after what keeps paragraphs together and before everything about tabs and spaces.
    properties = paragraph._p.get_or_add_pPr()
    properties.insert_element_before(
        borders, "w:shd", "w:tabs", "w:suppressAutoHyphens", "w:spacing", "w:ind", "w:jc", "w:rPr", "w:sectPr"
    )


def _page_number(paragraph: Paragraph, align: WD_ALIGN_PARAGRAPH) -> None:
    paragraph.alignment = align
    run = paragraph.add_run("— ")
    field = OxmlElement("w:fldSimple")
    field.set(qn("w:instr"), "PAGE")
    inner = OxmlElement("w:r")
    text = OxmlElement("w:t")
    text.text = "1"
    inner.append(text)
    field.append(inner)
    paragraph._p.append(field)
    last = paragraph.add_run(" —")
    for piece in (run, last):
        piece.font.size = Pt(14)


def control(draft: Draft, words: str) -> None:
    """A paragraph that holds only a tag; docxtpl takes the whole of it away."""
    draft.add_paragraph("{%" + words + " %}", style="House control")


def optional(draft: Draft, name: str, style: str) -> None:
    """A paragraph that stands only where there is something in it."""
    control(draft, f"p if {name}")
    draft.add_paragraph("{{ " + name + " }}", style=style)
    control(draft, "p endif")


def picture(draft: Draft, name: str) -> None:
    """A picture that stands only where there is one."""
    optional(draft, name, "House picture")


def heading(draft: Draft, text: str) -> None:
    """A heading of the first level."""
    draft.add_paragraph(text, style="Heading 1")


def subheading(draft: Draft, text: str) -> None:
    """A heading of the second level."""
    draft.add_paragraph(text, style="Heading 2")


def body(draft: Draft, text: str) -> None:
    """A paragraph of the text."""
    draft.add_paragraph(text, style="House body")


def gap(draft: Draft) -> None:
    """An empty line of no height, as Word wants one between tables."""
    draft.add_paragraph(style="House control")


def new_table(
    draft: Draft, rows: int, widths: Sequence[float], *, head: Sequence[str] = (), borders: bool = True
) -> Table:
    """A table of fixed widths in mm; with a head, that is its first row and repeats on every page."""
    table: Table = draft.add_table(rows=rows, cols=len(widths), style="Table Grid" if borders else None)
    table.alignment, table.autofit = WD_TABLE_ALIGNMENT.CENTER, False
    for column, width in zip(table.columns, widths, strict=True):
        column.width = Mm(width)
        for cell in column.cells:
            cell.width = Mm(width)
    if not borders:
        _lines(table)
    for cell, text in zip(table.rows[0].cells, head, strict=False):
        write_cell(cell, text, bold=True, align=CENTRE)
    if head:
        properties = table.rows[0]._tr.get_or_add_trPr()
        for name in ("w:cantSplit", "w:tblHeader"):
            properties.append(OxmlElement(name))
    return table


def _lines(table: Table) -> None:
    """Only lines above and below, as in the imprint."""
    borders = OxmlElement("w:tblBorders")
    for edge in ("top", "bottom", "insideH"):
        line = OxmlElement(f"w:{edge}")
        for key, value in (("val", "single"), ("sz", "6"), ("space", "0"), ("color", "000000")):
            line.set(qn(f"w:{key}"), value)
        borders.append(line)
    table._tbl.tblPr.append(borders)


def tag_row(table: Table, words: str) -> None:
    """A row that holds only a tag; docxtpl takes the whole of it away."""
    write_cell(new_row(table).cells[0], "{%tr " + words + " %}")


def loop_row(table: Table, words: str, cells: Sequence[str], *, bold: Sequence[int] = ()) -> None:
    """One row for each member of a list, between two rows that hold the tags."""
    if table.rows[0].cells[0].text:
        tag_row(table, f"for {words}")
    else:
        write_cell(table.rows[0].cells[0], "{%tr for " + words + " %}")
    for place, (cell, text) in enumerate(zip(new_row(table).cells, cells, strict=True)):
        write_cell(cell, text, bold=place in bold, align=LEFT if place == 0 or len(cells) in (2, 4) else CENTRE)
    properties = table.rows[-1]._tr.get_or_add_trPr()
    properties.append(OxmlElement("w:cantSplit"))
    tag_row(table, "endfor")


def write_cell(cell: _Cell, text: str, *, bold: bool = False, align: WD_ALIGN_PARAGRAPH = LEFT) -> None:
    """Write into a cell."""
    paragraph = cell.paragraphs[0]
    paragraph.style = "House cell"
    paragraph.alignment = align
    paragraph.add_run(text).bold = bold
