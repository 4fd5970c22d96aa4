"""Reading what was printed, with libraries that share nothing with the writer."""

import re
from pathlib import Path

import pypdfium2
import zxingcpp
from bs4 import BeautifulSoup
from PIL import Image, ImageDraw


def picture(size: int, path: str, *, box: int = 4) -> Image.Image:
    """Draw the SVG path of a QR code; a module is `box` pixels wide."""
    image = Image.new("L", (size * box, size * box), 255)
    draw = ImageDraw.Draw(image)
    for x, y, width in re.findall(r"M(\d+) (\d+)h(\d+)v1H\d+z", path):
        left, top = int(x) * box, int(y) * box
        draw.rectangle((left, top, left + int(width) * box - 1, top + box - 1), fill=0)
    return image


def qr_codes(image: Image.Image) -> list[zxingcpp.Barcode]:
    """Return the QR codes of a picture; text can look like a code of another kind."""
    return list(zxingcpp.read_barcodes(image, formats=zxingcpp.BarcodeFormat.QRCode))


def read(image: Image.Image) -> str:
    """Return the text of the one QR code of a picture."""
    (found,) = qr_codes(image)
    return found.text


def pages(pdf: Path | bytes, *, dpi: int) -> list[Image.Image]:
    """Return the pages of a PDF as a scanner of `dpi` dots per inch would see the paper."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        return [page.render(scale=dpi / 72).to_pil().convert("L") for page in document]
    finally:
        document.close()


def words(pdf: Path | bytes) -> list[str]:
    """Return the text of each page of a PDF, without blanks."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        return ["".join(page.get_textpage().get_text_range().split()) for page in document]
    finally:
        document.close()


def addresses(pdf: Path | bytes, *, dpi: int = 200) -> list[str]:
    """Return what the QR codes of a PDF say, page by page."""
    return [found.text for page in pages(pdf, dpi=dpi) for found in qr_codes(page)]


def addresses_in_html(path: Path) -> list[str]:
    """Return what the QR codes of a printable page say, in their order."""
    page = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
    return [read(picture(int(svg["viewbox"].split()[-1]), svg.path["d"])) for svg in page.select("svg")]
