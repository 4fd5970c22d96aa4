"""Sheets: every QR code reads back, roster text stays text, and the files that hold codes are private and whole."""

import io
import re
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
import zxingcpp
from bs4 import BeautifulSoup
from flask import Flask
from flask_babel import Babel
from markupsafe import escape
from PIL import Image, ImageDraw

from survey.services import sheets
from survey.services.sheets import SheetGroup, SheetText, qr_png, qr_svg_path, slip_url, write_sheets
from survey.services.slips import new_code

TEMPLATES = Path(__file__).parents[2] / "templates"
HOST_OF_20 = "wp.lincheng-edu.cn:8"
TEXT = SheetText(
    campaign="2026 五评",
    bureau="临城县教育局",
    base_url="https://pj.lincheng.cn",
    first_day=date(2026, 5, 11),
    last_day=date(2026, 5, 22),
    hotline="0719-1234567",
)
HOSTILE = "<script>alert('1')</script>\"&{{ 7 * 7 }}</style>"


@pytest.fixture
def printer() -> Iterator[Flask]:
    app = Flask("printer", template_folder=TEMPLATES)
    Babel(app, default_locale="en")
    with app.app_context():
        yield app


def group(count: int = 1, **changes: str) -> SheetGroup:
    values = {"code": "c1", "name": "三年级(2)班", "school_code": "421000", "school_name": "实验小学"} | changes
    relation = values.pop("relation", "student_teacher")
    return SheetGroup(relation=relation, codes=tuple(new_code() for _ in range(count)), **values)


def picture(size: int, path: str, *, box: int = 4) -> Image.Image:
    """Draw the SVG path with a library that shares nothing with the writer."""
    image = Image.new("L", (size * box, size * box), 255)
    draw = ImageDraw.Draw(image)
    for x, y, width in re.findall(r"M(\d+) (\d+)h(\d+)v1H\d+z", path):
        left, top = int(x) * box, int(y) * box
        draw.rectangle((left, top, left + int(width) * box - 1, top + box - 1), fill=0)
    return image


def read(image: Image.Image) -> str:
    (found,) = zxingcpp.read_barcodes(image)
    return found.text


def page(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def codes_read_from(path: Path) -> list[str]:
    drawings = [(int(svg["viewbox"].split()[-1]), svg.path["d"]) for svg in page(path).select("svg")]
    return [read(picture(size, d)).partition("#")[2] for size, d in drawings]


@pytest.mark.parametrize(
    ("base_url", "expected"),
    [
        ("https://pj.lincheng.cn", "HTTPS://PJ.LINCHENG.CN/V#ABCD"),
        ("http://10.0.0.5:8000/", "HTTP://10.0.0.5:8000/V#ABCD"),
        ("https://edu.cn/wuping", "HTTPS://EDU.CN/WUPING/V#ABCD"),
    ],
)
def test_slip_address_is_upper_case_with_the_code_in_the_fragment(base_url: str, expected: str) -> None:
    assert slip_url(base_url, "ABCD") == expected


def test_a_host_of_twenty_characters_fits_version_3() -> None:
    assert len(HOST_OF_20) == 20
    size, _path = qr_svg_path(slip_url(f"https://{HOST_OF_20}", new_code()))
    assert size <= 29 + 2 * sheets.QUIET_ZONE


@pytest.mark.parametrize(
    "text", ["HTTPS://PJ.LINCHENG.CN/V#", "https://pj.example/o/Ab_9~", "HTTP://A_B.CN/V#", "12345678901"]
)
def test_every_code_reads_back_from_path_and_png(text: str) -> None:
    for _attempt in range(25):
        full = text + new_code()
        assert read(picture(*qr_svg_path(full))) == full
        assert read(Image.open(io.BytesIO(qr_png(full, 3)))) == full


def test_quiet_zone_is_four_modules_wide() -> None:
    size, path = qr_svg_path("HTTPS://PJ.LINCHENG.CN/V")
    box = picture(size, path, box=1).point(lambda value: 255 - value).getbbox()
    assert box == (4, 4, size - 4, size - 4)


def test_path_and_png_show_the_same_modules() -> None:
    text = slip_url(TEXT.base_url, new_code())
    assert (
        picture(*qr_svg_path(text), box=3).tobytes() == Image.open(io.BytesIO(qr_png(text, 3))).convert("L").tobytes()
    )


def test_one_file_per_relation_and_school_and_a_poster_per_link(printer: Flask, tmp_path: Path) -> None:
    groups = [
        group(),
        group(code="c2"),
        group(code="p", relation="parent_school"),
        group(code="x", relation="principal_department", school_code="", school_name=""),
        group(count=0, code="public", relation="public_education"),
    ]
    links = [("public_education", "https://pj.lincheng.cn/o/abc")]
    written = write_sheets(groups, tmp_path / "out", text=TEXT, open_links=links)
    assert [path.name for path in written] == [
        "student_teacher-421000.html",
        "parent_school-421000.html",
        "principal_department-BUREAU.html",
        "poster-public_education.html",
    ]
    assert sorted(written) == sorted((tmp_path / "out").iterdir())


def test_every_printed_slip_reads_back_beside_its_typed_code(printer: Flask, tmp_path: Path) -> None:
    groups = [group(count=14), group(count=3, code="c2")]
    (path,) = write_sheets(groups, tmp_path, text=TEXT)
    codes = [code for each in groups for code in each.codes]
    assert codes_read_from(path) == codes
    typed = [tag.get_text() for tag in page(path).select(".code")]
    assert typed == [" ".join(re.findall("....", code)) for code in codes]


def test_twelve_slips_to_a_page_and_a_new_page_for_each_group(printer: Flask, tmp_path: Path) -> None:
    (path,) = write_sheets([group(count=25), group(count=2, code="c2")], tmp_path, text=TEXT)
    assert [len(sheet.select(".slip")) for sheet in page(path).select(".page")] == [12, 12, 1, 2]


def test_a_slip_says_class_relation_host_days_and_promise(printer: Flask, tmp_path: Path) -> None:
    (path,) = write_sheets([group()], tmp_path, text=TEXT)
    words = page(path).select_one(".slip").get_text(" ", strip=True)
    for part in (
        "实验小学 三年级(2)班",
        "Pupils rate their teachers",
        "https://pj.lincheng.cn/v",
        "May 11, 2026 to May 22, 2026",
    ):
        assert part in words
    assert len(page(path).select(".slip .promise")) == 3
    assert TEXT.hotline in words


def test_names_from_the_roster_stay_text(printer: Flask, tmp_path: Path) -> None:
    text = SheetText(**{**vars(TEXT), "campaign": HOSTILE, "bureau": HOSTILE, "hotline": HOSTILE})
    written = write_sheets([group(name=HOSTILE, school_name=HOSTILE, relation=HOSTILE)], tmp_path, text=text)
    written += write_sheets([], tmp_path, text=text, open_links=[("public_education", f"https://a/{HOSTILE}")])
    for path in written:
        assert not page(path).select("script, img, link, iframe")
        assert len(page(path).select("style")) == 1
        assert "<script" not in path.read_text(encoding="utf-8")
        assert "49" not in page(path).h1.get_text()


def test_files_load_nothing(printer: Flask, tmp_path: Path) -> None:
    written = write_sheets([group()], tmp_path, text=TEXT, open_links=[("public_education", "https://a.cn/o/x")])
    for path in written:
        assert not page(path).select("[src], [href]")
        assert "url(" not in path.read_text(encoding="utf-8")


def test_style_sheet_survives_escaping() -> None:
    css = sheets.PRINT_CSS.read_text(encoding="utf-8")
    assert str(escape(css)) == css


def test_files_are_readable_by_the_owner_only_and_leave_no_half(printer: Flask, tmp_path: Path) -> None:
    (path,) = write_sheets([group()], tmp_path / "out", text=TEXT)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert list(path.parent.iterdir()) == [path]


def test_a_failure_leaves_the_earlier_file_and_no_half(printer: Flask, tmp_path: Path) -> None:
    (path,) = write_sheets([group()], tmp_path, text=TEXT)
    before = path.read_bytes()

    def fail(_done: int, _total: int) -> None:
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        write_sheets([group(count=30)], tmp_path, text=TEXT, progress=fail)
    assert [path] == list(tmp_path.iterdir())
    assert path.read_bytes() == before


def test_school_codes_neither_climb_out_nor_collide(printer: Flask, tmp_path: Path) -> None:
    groups = [group(school_code=code) for code in ("../../a", "..|..|a", "A", "a")]
    written = write_sheets(groups, tmp_path / "out", text=TEXT)
    assert {path.parent for path in written} == {tmp_path / "out"}
    assert len({path.name.casefold() for path in written}) == 4


def test_progress_counts_slips_up_to_the_total(printer: Flask, tmp_path: Path) -> None:
    heard: list[tuple[int, int]] = []
    groups = [group(count=13), group(count=2, relation="parent_school")]
    write_sheets(groups, tmp_path, text=TEXT, progress=lambda done, total: heard.append((done, total)))
    assert heard == [(13, 15), (15, 15)]


def test_six_hundred_slips_take_less_than_ten_seconds(printer: Flask, tmp_path: Path) -> None:
    groups = [group(count=50, code=f"c{number}") for number in range(12)]
    start = time.process_time()
    write_sheets(groups, tmp_path, text=TEXT)
    assert time.process_time() - start < 10
