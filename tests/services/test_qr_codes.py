"""QR codes: every drawing reads back, with the quiet zone that readers need."""

import io

import pytest
from PIL import Image

from survey.services.qr_codes import qr_png, qr_svg_path, slip_qr_path, slip_url
from survey.services.slips import new_code
from tests.printed import picture, read


@pytest.mark.parametrize(
    "text", ["HTTPS://PJ.LINCHENG.CN/V#", "https://pj.example/o/Ab_9~", "HTTP://A_B.CN/V#", "12345678901"]
)
def test_every_code_reads_back_from_path_and_png(text: str) -> None:
    for _attempt in range(25):
        full = text + new_code()
        assert read(picture(*qr_svg_path(full))) == full
        assert read(Image.open(io.BytesIO(qr_png(full, 3)))) == full


@pytest.mark.parametrize("host", ["https://pj.lincheng.cn", "http://a_b.cn/wp/", "https://[2001:db8::1]:8443"])
def test_slips_are_drawn_as_the_library_draws_them(host: str) -> None:
    for code in (new_code() for _attempt in range(100)):
        assert slip_qr_path(host, code) == qr_svg_path(slip_url(host, code))


def test_quiet_zone_is_four_modules_wide() -> None:
    size, path = qr_svg_path("HTTPS://PJ.LINCHENG.CN/V")
    box = picture(size, path, box=1).point(lambda value: 255 - value).getbbox()
    assert box == (4, 4, size - 4, size - 4)


def test_path_and_png_show_the_same_modules() -> None:
    text = f"HTTPS://PJ.LINCHENG.CN/V#{new_code()}"
    assert (
        picture(*qr_svg_path(text), box=3).tobytes() == Image.open(io.BytesIO(qr_png(text, 3))).convert("L").tobytes()
    )
