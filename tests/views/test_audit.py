"""The audit log: filtered, paged, exported whole with its chain, and never deleted."""

import csv
import hashlib
import io
import json
import re
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from survey.access import ROLES
from survey.extensions import db
from survey.models.audit import AuditEntry
from survey.services import audit
from survey.views.act_words import ACTS, DETAILS
from tests.views.conftest import Browser

SERVICES = Path(audit.__file__).parent


@pytest.fixture
def auditor(county: Flask, browser: Browser) -> FlaskClient:
    return browser("auditor", role="auditor")


def write(actor: str, action: str, subject: str = "", **detail: object) -> None:
    audit.record(db.session(), actor=actor, action=action, subject=subject, detail=detail)
    db.session.commit()


def test_the_log_is_filtered_by_account_kind_subject_and_day(auditor: FlaskClient) -> None:
    write("li", "campaign.open", "campaign 1")
    write("wang", "slips.issue", "campaign 2")
    for query, there, not_there in (
        ("actor=li", "campaign.open", "slips.issue"),
        ("action=slips.", "slips.issue", "campaign.open"),
        ("subject=campaign 1", "campaign.open", "slips.issue"),
    ):
        rows = auditor.get(f"/audit?{query}").text.partition("<tbody>")[2]
        assert there in rows
        assert not_there not in rows
    assert "<tbody>" not in auditor.get("/audit?last_day=2020-01-01").text
    assert "campaign.open" in auditor.get("/audit?first_day=2020-01-01").text


ODD = "actor=%25 action=_ first_day=x first_day=0001-01-01 last_day=9999-12-31 page=-1 page=99999999999 page=x"


@pytest.mark.parametrize("query", [*ODD.split(), "subject=<script>"])
def test_odd_filters_are_harmless(auditor: FlaskClient, query: str) -> None:
    answer = auditor.get(f"/audit?{query}")
    assert answer.status_code == 200
    assert "<script>" not in answer.text.replace('<script src="', "")


def test_a_long_log_has_pages_that_keep_the_filter(auditor: FlaskClient) -> None:
    for number in range(120):
        audit.record(db.session(), actor="li", action="test.act", subject=f"n{number}")
    db.session.commit()
    first = auditor.get("/audit?actor=li").text
    assert "page=2&amp;actor=li" in first or "actor=li&amp;page=2" in first
    assert "n119" in first
    assert "n0<" in auditor.get("/audit?actor=li&page=3").text


def test_details_are_told_in_words(auditor: FlaskClient) -> None:
    unit = {"group": "S-101", "relation": "student_teacher", "school": None}
    write("li", "unit.void", "campaign 1", reason="<b>改</b>", shares=[1, 3], unit=unit, odd=True, empty="")
    rows = auditor.get("/audit?actor=li").text.partition("<tbody>")[2]
    told = "事由：&lt;b&gt;改&lt;/b&gt;；密钥份额：1、3；单位：（测评主体：S-101；关系：学生评教师）；odd：是"
    assert told in rows


def test_every_detail_that_services_write_has_a_word() -> None:
    known = re.compile(r'"(\w+)": ')
    written = {
        name
        for path in SERVICES.glob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.search(r"\bdetail\b.*= \{|detail=\{", line)
        for name in known.findall(line)
    }
    assert len(written) > 20
    # And what is written in other ways.
    assert written | {"audience", "comment", "comments", "handed_out", "added", "removed"} <= set(DETAILS)


def test_a_campaign_is_named_by_its_number(auditor: FlaskClient) -> None:
    write("li", "campaign.open", "campaign 12")
    write("li", "account.add", "campaign x")
    rows = auditor.get("/audit?actor=li").text.partition("<tbody>")[2]
    assert '<td title="campaign 12">测评活动 12</td>' in rows
    assert '<td title="campaign x">campaign x</td>' in rows


def test_the_exported_lines_prove_themselves(auditor: FlaskClient) -> None:
    write("li", "campaign.open", "campaign 1", reason="中文 é")
    answer = auditor.post("/audit/export", data={"format": "jsonl"})
    assert answer.headers["Cache-Control"] == "no-store"
    before, lines = "0" * 64, [json.loads(line) for line in answer.text.splitlines()]
    for line in lines:
        content = [before, *(line[name] for name in ("at", "actor", "action", "subject", "detail"))]
        before = hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
        assert before == line["digest"]
    assert (lines[-1]["action"], lines[-1]["actor"]) == ("audit.export", "auditor")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=x", "＝1", "  =1"])
def test_a_spreadsheet_takes_nothing_for_a_formula(auditor: FlaskClient, text: str) -> None:
    write(text, "test.act", text)
    answer = auditor.post("/audit/export", data={"format": "csv"})
    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    row = next(row for row in rows if row["action"] == "test.act")
    told = text.replace("\t", " ")
    assert row["actor"] == row["subject"] == f"'{told}"


def test_an_unknown_format_is_not_found_and_reading_exports_nothing(auditor: FlaskClient) -> None:
    assert auditor.post("/audit/export", data={"format": "exe"}).status_code == 404
    assert auditor.get("/audit/export").status_code == 405


def test_nothing_deletes_or_changes_entries(app: Flask) -> None:
    routes = [rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith("audit.")]
    assert {(rule.rule, *sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})) for rule in routes} == {
        ("/audit", "GET"),
        ("/audit/export", "POST"),
    }


def test_what_is_in_the_log_is_shown_as_text(auditor: FlaskClient) -> None:
    write("<img src=x>", "test.act", '"><script>1</script>', why="<b>")
    text = auditor.get("/audit").text
    assert "<img src=x>" not in text
    assert "<script>1" not in text
    assert "<b>" not in text


def test_the_page_takes_as_many_statements_for_many_entries(auditor: FlaskClient, statements) -> None:
    with statements() as few:
        auditor.get("/audit")
    for _time in range(200):
        audit.record(db.session(), actor="li", action="test.act")
    db.session.commit()
    with statements() as many:
        auditor.get("/audit")
    assert len(few) == len(many)
    assert db.session.query(AuditEntry).count() > 200


def test_every_act_of_the_services_has_a_word() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in SERVICES.glob("*.py"))
    written = set(
        re.findall(r'"((?:account|approval|audit|box|campaign|instance|roster|slips|unit)\.[a-z_]+)"', sources)
    )
    written |= set(re.findall(r'action="([a-z_]+\.[a-z_]+)"', sources))
    files = {name for name in written if name.endswith((".csv", ".json", ".part", ".typ", ".zip"))}
    assert written - files - set().union(*ROLES.values()) - set(ACTS) == set()
