"""Canary: known codes and words go through a served instance; afterwards the codes stand nowhere at all.

The server is the real one, as a process, with everything that it writes captured, and an access log switched on that
notes more than anybody would: request line, query, referrer and browser.
"""

import base64
import json
import os
import re
import shutil
import socket
import subprocess
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from bs4 import BeautifulSoup

from tests.acceptance.conftest import SURVEY, Console, _empty, _wait_until_ready
from tests.acceptance.phone import Page, Phone

POSTGRESQL = os.environ.get("SURVEY_TEST_POSTGRESQL", "")
WORDS = "金丝雀canary7391"
SCHOOL, CLASS = "101", "三年级1班"
LOG = "%(h)s %(r)s %(q)s %(f)s %(a)s %({Cookie}i)s"
ROSTER = {
    "学校": [
        ("学校代码", "学校名称", "学区", "学段"),
        *((f"{100 + n}", f"第{n}小学", "1学区", "小学") for n in range(1, 13)),
    ],
    "科室": [("科室代码", "科室名称"), ("K01", "办公室"), ("K02", "人事科")],
    "班级": [("学校代码", "年级", "班级", "在籍人数"), (SCHOOL, "三年级", "1班", 12)],
    "教师": [
        ("工号", "姓名", "学校代码", "职务", "任教学科", "手机"),
        ("T1", "张三", SCHOOL, "教师", "语文", "1"),
        *((f"H{n}", f"校长{n}", f"{100 + n}", "校长", "", "1") for n in range(1, 13)),
    ],
    "任课": [("学校代码", "年级", "班级", "学科", "工号"), (SCHOOL, "三年级", "1班", "语文", "T1")],
}


class Watched(Console):
    """The console, with a temporary folder of its own and every output kept."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "instance", POSTGRESQL)
        self.temporary, self.output = folder / "tmp", folder / "output"
        self.temporary.mkdir()
        self.output.mkdir()
        self.environ |= {
            "TMPDIR": str(self.temporary),
            "SURVEY_DEBUG": "1",
            "PYTHONUNBUFFERED": "1",
            "GUNICORN_CMD_ARGS": f"--access-logfile - --capture-output --access-logformat '{LOG}'",
        }

    def run(self, *words: object) -> subprocess.CompletedProcess[str]:
        done = super().run(*words)
        (self.output / f"{len(list(self.output.iterdir()))}").write_text(done.stdout + done.stderr, encoding="utf-8")
        return done

    @contextmanager
    def serving(self) -> Iterator[str]:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        with (self.output / "server").open("wb") as said:
            command = [str(SURVEY), "serve", "--port", str(port), "--workers", "1"]
            server = subprocess.Popen(command, env=self.environ, stdout=said, stderr=subprocess.STDOUT)
            try:
                _wait_until_ready(f"http://127.0.0.1:{port}")
                yield f"http://127.0.0.1:{port}"
            finally:
                server.terminate()
                assert server.wait(timeout=15) == 0


class Nosy(Phone):
    """A phone that notes every path it was led to and every header, and sends what a careless browser would."""

    def __init__(self, base: str) -> None:
        super().__init__(base)
        self.paths: list[str] = []
        self.pages: list[str] = []
        self.policies: set[str] = set()

    def _once(self, path: str, fields: dict[str, str] | None) -> Any:
        self.paths.append(path)
        response, text = super()._once(path, fields)
        self.pages.append(text)
        self.policies.add(response.headers["Referrer-Policy"])
        return response, text


def forms_of(code: str) -> set[bytes]:
    """Return the code in the disguises in which it might be written down."""
    groups = [code[k : k + 4] for k in range(0, 16, 4)]
    plain = {code, code.lower(), " ".join(groups), "-".join(groups), "+".join(groups), "%20".join(groups)}
    coded = {text.encode() for text in plain} | {code.encode("utf-16-le"), code.encode().hex().encode()}
    # Base64 of the code inside a longer text: three alignments, without the letters that depend on its neighbours.
    return coded | {base64.b64encode(b"x" * k + code.encode())[4:20] for k in range(3)}


def found_in(folder: Path, wanted: set[bytes]) -> list[tuple[str, bytes]]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [(path.name, mark) for path in files for mark in wanted if mark in path.read_bytes()]


@pytest.fixture
def console(tmp_path: Path) -> Watched:
    if POSTGRESQL:
        _empty(POSTGRESQL)
    return Watched(tmp_path)


def prepare(console: Watched, folder: Path) -> dict[str, list[str]]:
    """Make an open campaign; return the codes of its groups, whose files are then deleted."""
    with xlsxwriter.Workbook(str(folder / "roster.xlsx")) as book:
        for name, rows in ROSTER.items():
            sheet = book.add_worksheet(name)
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)
    console.json("init", "--admin", "boss")
    console.json("roster", "import", folder / "roster.xlsx")
    words = ("campaign", "create", "--name", "五评", "--year", "2026", "--template", "five")
    number = console.json(*words)["campaign"]
    console.json("campaign", "move", number, "ready")
    console.json("slips", number, "--out", folder / "slips")
    console.json("campaign", "move", number, "open")
    lines = (folder / "slips" / "slips.csv").read_text(encoding="utf-8-sig").splitlines()[1:]
    codes: dict[str, list[str]] = {}
    for line in lines:
        group, code = line.split(",")[1], line.split(",")[3]
        if code:
            codes.setdefault(group, []).append(code)
    shutil.rmtree(folder / "slips")
    return codes


def vote(phone: Phone, code: str) -> Page:
    page = phone.open("/V", {"code": code})
    while page.form is not None:
        fields = phone.fill(page.form, lambda _target, _item: 4)
        page = phone.open(page.form.action, fields | ({"comment": WORDS} if "comment" in page.text else {}))
    return page


def stumble(phone: Phone, code: str, other: str) -> None:
    """Make every mistake that a respondent can make with a code."""
    page = phone.open("/v", {"code": f" {code[:4]}-{code[4:8]} {code[8:]}".lower()})
    assert page.form is not None
    fields = phone.fill(page.form, lambda _target, _item: 3)
    assert phone.open("/v/page", {name: fields[name] for name in ("code", "form", "target")}).status == 422
    assert phone.open("/v/page", fields | {"code": code}).status == 404
    assert phone.open("/v/page", fields | {"form": code}).status == 422
    assert phone.open("/v", {"code": code[:-1] + ("2" if code[-1] != "2" else "3")}).status == 404
    assert vote(phone, code).receipt
    assert phone.open("/v/page", fields | {"form": "0" * 32, "code": fields["code"]}).status == 409
    assert vote(phone, other).receipt


def test_a_known_code_stands_nowhere_after_a_vote(console: Watched, tmp_path: Path) -> None:
    codes = prepare(console, tmp_path)
    used = [*codes[f"P-{SCHOOL}-{CLASS}"], *codes[f"S-{SCHOOL}-{CLASS}"]]
    everything = {mark for group in codes.values() for code in group for mark in forms_of(code)}
    with console.serving() as base, Nosy(base) as phone:
        stumble(phone, used[0], used[1])
        for code in used[2:]:
            vote(phone, code)
        # As it stands while votes wait: in files, log and memory map of the database, and what the server has said.
        assert found_in(tmp_path, everything) == []
        check_addresses(phone, used)
        for state in ("closed", "tallied", "released"):
            console.json("campaign", "move", 1, state)
        with Phone(base) as later:
            assert vote(later, used[0]).receipt
    results = console.json("results", 1)
    assert WORDS not in json.dumps(results, ensure_ascii=False)
    assert console.json("check")["ok"]
    assert b"/v/page" in (console.output / "server").read_bytes()
    assert found_in(tmp_path, everything) == []
    check_words(console)
    if POSTGRESQL:
        check_postgresql(used)


def check_addresses(phone: Nosy, used: list[str]) -> None:
    """No address holds a code: not one that was opened, and none that a page leads to or names in a form."""
    marks = [mark.decode() for code in used for mark in forms_of(code) if b"\0" not in mark]
    assert phone.policies == {"no-referrer"}
    assert not [path for path in phone.paths for mark in marks if mark in urllib.parse.unquote(path)]
    for page in phone.pages:
        soup = BeautifulSoup(page, "html.parser")
        assert all(form["method"].lower() == "post" for form in soup.select("form:has([name=code])"))
        links = [
            str(tag.get(name)) for tag in soup.find_all(True) for name in ("href", "src", "action") if tag.get(name)
        ]
        assert not [link for link in links for mark in marks if mark in link]
        # Nor does the page itself: the code comes back only sealed.
        assert not [mark for mark in marks if mark in page]


def check_words(console: Watched) -> None:
    """A comment is kept in one place: the database. No log, no job, no temporary file, no output has it."""
    assert found_in(console.output, {WORDS.encode()}) == []
    assert found_in(console.temporary, {WORDS.encode()}) == []
    kept = {name for name, _mark in found_in(console.instance, {WORDS.encode()})}
    assert kept == (set() if POSTGRESQL else {"wuping.sqlite3"})


def check_postgresql(used: list[str]) -> None:
    """The server's own log, which nobody empties, never had a code."""
    import psycopg

    with psycopg.connect(POSTGRESQL, autocommit=True) as connection:
        query = "SELECT pg_read_binary_file('pg_wal/' || name) FROM pg_ls_waldir()"
        log = b"".join(bytes(row[0]) for row in connection.execute(query).fetchall())
    assert not [code for code in used for mark in forms_of(code) if mark in log]


def test_the_script_of_the_code_page_takes_the_fragment_out_of_the_address_and_posts_it() -> None:
    script = (Path(__file__).parents[2] / "survey" / "static").glob("*.js")
    entry = next(
        text for path in script if "location.hash" in (text := path.read_text(encoding="utf-8")) and "code" in text
    )
    # That function alone knows the code; answers are delivered by another, which sends the fields of their form.
    entry = entry.split("function entry(form)")[1].split("\n  }\n")[0]
    assert "location.hash" in entry
    assert re.search(r"history\.replaceState\(null, '', location\.pathname \+ location\.search\)", entry)
    # Nothing is fetched, beaconed or built into an address.
    assert not re.search(r"fetch\(|XMLHttpRequest|sendBeacon|location\.(href|assign|replace)\b|new Image", entry)
