"""Sheets: every QR code reads back, roster text stays text, and the files that hold codes are private and whole."""

import random
import re
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask_babel import Babel
from markupsafe import escape
from PIL import Image, ImageEnhance, ImageFilter

from survey.services import print_files
from survey.services.qr_codes import QUIET_ZONE, qr_svg_path, slip_url
from survey.services.sheets import SheetGroup, SheetText, Unprintable, unprintable, write_sheets
from survey.services.slips import new_code
from tests.printed import addresses, addresses_in_html, pages, qr_codes, words

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


def page(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def html(paths: list[Path]) -> Path:
    (path,) = (path for path in paths if path.suffix == ".html")
    return path


def pdf(paths: list[Path]) -> Path:
    (path,) = (path for path in paths if path.suffix == ".pdf")
    return path


def codes_of(texts: list[str]) -> list[str]:
    return [text.partition("#")[2] for text in texts]


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
    assert size <= 29 + 2 * QUIET_ZONE


def test_one_html_and_one_pdf_per_relation_and_school(printer: Flask, tmp_path: Path) -> None:
    groups = [
        group(),
        group(code="c2"),
        group(code="p", relation="parent_school"),
        group(code="x", relation="principal_department", school_code="", school_name=""),
        group(count=0, code="public", relation="public_education"),
    ]
    written = write_sheets(groups, tmp_path / "out", text=TEXT)
    stems = ["student_teacher-421000", "parent_school-421000", "principal_department-BUREAU"]
    assert [path.name for path in written] == [f"{stem}.{kind}" for stem in stems for kind in ("html", "pdf")]
    assert sorted(written) == sorted((tmp_path / "out").iterdir())


def test_every_printed_slip_reads_back_beside_its_typed_code(printer: Flask, tmp_path: Path) -> None:
    groups = [group(count=14), group(count=3, code="c2")]
    written = write_sheets(groups, tmp_path, text=TEXT)
    codes = [code for each in groups for code in each.codes]
    typed = [" ".join(re.findall("....", code)) for code in codes]
    assert codes_of(addresses_in_html(html(written))) == codes
    assert [tag.get_text() for tag in page(html(written)).select(".code")] == typed
    assert sorted(codes_of(addresses(pdf(written)))) == sorted(codes)
    text = "".join(words(pdf(written)))
    assert all(code in text for code in codes)


def test_codes_of_a_pdf_are_wide_enough_with_their_quiet_zone(printer: Flask, tmp_path: Path) -> None:
    written = write_sheets([group()], tmp_path, text=TEXT)
    [sheet] = pages(pdf(written), dpi=254)
    [found] = qr_codes(sheet)
    place = found.position
    width = place.top_right.x - place.top_left.x
    assert width >= 320  # tenths of a millimetre
    module = width / 29
    left, top = place.top_left.x - 3.8 * module, place.top_left.y - 3.8 * module
    right, bottom = place.bottom_right.x + 3.8 * module, place.bottom_right.y + 3.8 * module
    outside = sheet.copy()
    outside.paste(255, (place.top_left.x - 2, place.top_left.y - 2, place.bottom_right.x + 3, place.bottom_right.y + 3))
    assert outside.crop((int(left) + 1, int(top) + 1, int(right), int(bottom))).getextrema() == (255, 255)


def test_most_codes_read_back_from_a_bad_copy(printer: Flask, tmp_path: Path) -> None:
    written = write_sheets([group(count=24)], tmp_path, text=TEXT)
    found = [code.text for sheet in pages(pdf(written), dpi=110) for code in qr_codes(bad_copy(sheet))]
    assert len(set(found)) >= 22


def bad_copy(sheet: Image.Image) -> Image.Image:
    """A sheet laid askew on an old copier: turned, blurred, pale and with dust."""
    copy = sheet.rotate(4, resample=Image.Resampling.BICUBIC, fillcolor=255).filter(ImageFilter.GaussianBlur(1.0))
    copy = ImageEnhance.Contrast(copy).enhance(0.55)
    chance = random.Random(5)
    pixels = copy.load()
    for _dust in range(copy.width * copy.height // 40):
        place = chance.randrange(copy.width), chance.randrange(copy.height)
        pixels[place] = chance.randrange(256)
    return copy


def test_twelve_slips_to_a_page_and_a_new_page_for_each_group(printer: Flask, tmp_path: Path) -> None:
    written = write_sheets([group(count=25), group(count=2, code="c2")], tmp_path, text=TEXT)
    assert [len(sheet.select(".slip")) for sheet in page(html(written)).select(".page")] == [12, 12, 1, 2]
    assert [sheet.count("nobodycansee") for sheet in words(pdf(written))] == [12, 12, 1, 2]


def test_a_slip_says_class_relation_host_days_and_promise(printer: Flask, tmp_path: Path) -> None:
    written = write_sheets([group()], tmp_path, text=TEXT)
    slip = page(html(written)).select_one(".slip").get_text(" ", strip=True)
    [printed] = words(pdf(written))
    for part in (
        "实验小学 三年级(2)班",
        "Pupils rate their teachers",
        "https://pj.lincheng.cn/v",
        "May 11, 2026 to May 22, 2026",
        "nobody can see how you answered.",
        TEXT.hotline,
    ):
        assert part in slip
        assert part.replace(" ", "") in printed
    assert len(page(html(written)).select(".slip .promise")) == 3


def test_the_longest_names_leave_the_code_and_the_promise_in_their_places(printer: Flask, tmp_path: Path) -> None:
    name = "湖北省十堰市郧阳区杨溪铺镇九年一贯制寄宿实验学校附属第二教学点"
    written = write_sheets([group(count=12, name="九年级(12)班", school_name=name)], tmp_path, text=TEXT)
    [printed] = words(pdf(written))
    assert printed.count(name) == 13
    assert printed.count("nobodycanseehowyouanswered.") == 12
    assert len(addresses(pdf(written))) == 12


def test_names_that_the_font_lacks_are_told_and_come_as_html_only(printer: Flask, tmp_path: Path) -> None:
    rare = group(name="㐂班", school_code="2", school_name="第二小学")
    groups = [group(name="玥堃班"), rare, group(code="x", relation="parent_school", school_name="قىز")]
    assert unprintable(groups, text=TEXT) == (
        Unprintable(sheet="student_teacher-2", name="第二小学 㐂班", letters="㐂"),
        Unprintable(sheet="parent_school-421000", name="قىز 三年级(2)班", letters="قىز"),
        Unprintable(sheet="parent_school-421000", name="قىز", letters="قىز"),
    )
    assert [path.name for path in write_sheets(groups, tmp_path, text=TEXT)] == [
        "student_teacher-421000.html",
        "student_teacher-421000.pdf",
        "student_teacher-2.html",
        "parent_school-421000.html",
    ]


def test_a_name_on_every_slip_that_the_font_lacks_is_told_once(printer: Flask, tmp_path: Path) -> None:
    text = SheetText(**{**vars(TEXT), "bureau": "𠮷县教育局"})
    groups = [group(), group(code="p", relation="parent_school")]
    assert unprintable(groups, text=text) == (Unprintable(sheet="", name="𠮷县教育局", letters="𠮷"),)
    assert [path.suffix for path in write_sheets(groups, tmp_path, text=text)] == [".html", ".html"]


def test_a_pdf_of_an_earlier_call_does_not_stay_beside_other_slips(printer: Flask, tmp_path: Path) -> None:
    write_sheets([group()], tmp_path, text=TEXT)
    write_sheets([group(name="㐂班")], tmp_path, text=TEXT)
    assert [path.name for path in tmp_path.iterdir()] == ["student_teacher-421000.html"]


def test_names_from_the_roster_stay_text(printer: Flask, tmp_path: Path) -> None:
    text = SheetText(**{**vars(TEXT), "campaign": HOSTILE, "bureau": HOSTILE, "hotline": HOSTILE})
    written = write_sheets([group(name=HOSTILE, school_name=HOSTILE, relation=HOSTILE)], tmp_path, text=text)
    for path in [path for path in written if path.suffix == ".html"]:
        assert not page(path).select("script, img, link, iframe")
        assert len(page(path).select("style")) == 1
        assert "<script" not in path.read_text(encoding="utf-8")
        assert "49" not in page(path).h1.get_text()


def test_files_load_nothing(printer: Flask, tmp_path: Path) -> None:
    path = html(write_sheets([group()], tmp_path, text=TEXT))
    assert not page(path).select("[src], [href]")
    assert "url(" not in path.read_text(encoding="utf-8")


def test_style_sheet_survives_escaping() -> None:
    css = print_files.PRINT_CSS.read_text(encoding="utf-8")
    assert str(escape(css)) == css


def test_files_are_readable_by_the_owner_only_and_leave_no_half(printer: Flask, tmp_path: Path) -> None:
    written = write_sheets([group()], tmp_path / "out", text=TEXT)
    assert {path.stat().st_mode & 0o777 for path in written} == {0o600}
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o700
    assert sorted((tmp_path / "out").iterdir()) == sorted(written)


def test_a_failure_leaves_the_earlier_file_and_no_half(printer: Flask, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"before")

    def pieces() -> Iterator[bytes]:
        yield b"half"
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        print_files.write_private(tmp_path / "a", pieces())
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"before"]


def test_school_codes_neither_climb_out_nor_collide(printer: Flask, tmp_path: Path) -> None:
    groups = [group(school_code=code) for code in ("../../a", "..|..|a", "A", "a")]
    written = write_sheets(groups, tmp_path / "out", text=TEXT)
    assert {path.parent for path in written} == {tmp_path / "out"}
    assert len({path.name.casefold() for path in written}) == 8


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
