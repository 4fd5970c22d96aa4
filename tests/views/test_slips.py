"""Printing at the desk: the only way to codes, fetched as a zip and deleted."""

import os
import re
import time
import zipfile
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from bs4 import BeautifulSoup
from sqlalchemy import func, select

from survey.extensions import db
from survey.models.audit import AuditEntry
from survey.models.ballots import slip
from survey.models.campaigns import Campaign, RaterGroup
from survey.services import printing
from survey.services.batches import KEPT_SECONDS
from survey.services.campaigns import create_campaign, move_campaign

CLASS = "S-101-七年级1班"


@pytest.fixture
def ready(county) -> int:
    number = create_campaign(name="五评", year=2026, template="five", first_day=None, last_day=None, actor="t")[0]
    move_campaign(number, "ready", actor="t")
    return number


def group_id(code: str = CLASS) -> int:
    return db.session.scalar(select(RaterGroup.id).where(RaterGroup.code == code)) or 0


def slips() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(slip)) or 0


def printed(job: str) -> str:
    return job.replace("/jobs/", "/slips/printed/")


def package(client, job: str) -> dict[str, str]:
    with client.post(f"{printed(job)}/fetch") as answer:
        assert answer.headers["Cache-Control"] == "no-store"
        content = BytesIO(answer.data)
    with zipfile.ZipFile(content) as packed:
        return {name: packed.read(name).decode("utf-8-sig", "replace") for name in packed.namelist()}


def test_the_address_for_a_shared_device_leads_to_its_mode(officer, ready, app) -> None:
    page = BeautifulSoup(officer.get(f"/campaigns/{ready}/slips").text, "html.parser")
    address = urlsplit(str(page.find(string=re.compile("shared=1"))))
    assert " data-shared" in app.test_client().get(f"{address.path}?{address.query}").text


def test_all_slips_are_printed_fetched_and_deleted(officer, ready, work, config) -> None:
    job = officer.post(f"/campaigns/{ready}/slips").location
    work()
    assert "fetch" in officer.get(printed(job)).text
    files = package(officer, job)
    rows = files["slips.csv"].splitlines()
    assert rows[0] == "relation,group,group_name,code,url"
    assert len(rows) - 1 == slips() + 1  # and the open link
    assert f"/o/{group_id('O-BUREAU')}" in files["slips.csv"]
    assert [name for name in files if name.startswith("student_teacher-101")]
    assert [name for name in files if name.startswith("poster")]
    officer.post(f"{printed(job)}/forget")
    assert not list(Path(config.instance, "slips").iterdir())
    assert officer.post(f"{printed(job)}/fetch").status_code == 404
    assert db.session.scalar(select(func.count()).where(AuditEntry.action == "slips.fetch")) == 1


def test_the_package_is_for_this_account_only_on_disk_too(officer, ready, work, config) -> None:
    officer.post(f"/campaigns/{ready}/slips")
    work()
    [folder] = Path(config.instance, "slips").iterdir()
    assert sorted(path.name for path in folder.rglob("*")) == [".first", "campaign.json", "slips.zip"]
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.rglob("*") if path.is_file()} == {0o600}
    old = time.time() - KEPT_SECONDS - 60
    os.utime(folder, (old, old))
    printing.forget_old()
    assert not folder.exists()


def test_printing_twice_is_one_job_and_then_refused(officer, ready, work) -> None:
    first = officer.post(f"/campaigns/{ready}/slips").location
    assert officer.post(f"/campaigns/{ready}/slips").location == first
    work()
    again = officer.post(f"/campaigns/{ready}/slips").location
    work()
    assert "note error" in officer.get(again).text
    assert officer.get(printed(again)).status_code == 404


def test_unused_slips_of_a_group_are_replaced_with_a_reason(officer, campaign, codes, work) -> None:
    page = f"/campaigns/{campaign}/slips/{group_id()}"
    assert officer.get(page).status_code == 200
    assert officer.post(f"{page}/reissue", data={"reissue-reason": ""}).status_code == 422
    job = officer.post(f"{page}/reissue", data={"reissue-reason": "信封遗失"}).location
    work()
    assert len(package(officer, job)["slips.csv"].splitlines()) == 1 + len(codes[CLASS])
    group = db.session.scalars(select(RaterGroup).where(RaterGroup.code == CLASS)).one()
    assert (group.issued, group.voided) == (2 * len(codes[CLASS]), len(codes[CLASS]))
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "slips.reissue")).one()
    assert entry.detail["reason"] == "信封遗失"


def test_extra_slips_need_a_number_and_a_reason(officer, campaign, codes, work) -> None:
    page = f"/campaigns/{campaign}/slips/{group_id()}/extra"
    answer = officer.post(page, data={"extra-number": "many", "extra-reason": "转入"})
    assert answer.status_code == 422
    assert 'value="转入"' in answer.text
    assert officer.post(page, data={"extra-number": "501", "extra-reason": "转入"}).status_code == 422
    before = slips()
    job = officer.post(page, data={"extra-number": "2", "extra-reason": "转入"}).location
    work()
    assert slips() == before + 2
    assert len(package(officer, job)["slips.csv"].splitlines()) == 3


def test_all_unused_slips_are_replaced_when_the_files_were_lost(officer, campaign, codes, work) -> None:
    page = f"/campaigns/{campaign}/slips/reissue"
    assert officer.post(page, data={}).status_code == 422
    job = officer.post(page, data={"reason": "文件遗失"}).location
    work()
    total = sum(len(group) for group in codes.values())
    assert slips() == 2 * total
    assert len(package(officer, job)["slips.csv"].splitlines()) == 1 + total


def test_a_draft_prints_nothing(officer, ready, work) -> None:
    db.session.query(Campaign).update({"state": "draft"})
    db.session.commit()
    assert 'action="/campaigns/1/slips"' not in officer.get(f"/campaigns/{ready}/slips").text
    officer.post(f"/campaigns/{ready}/slips")
    work()
    assert slips() == 0


def test_no_code_stands_on_any_page(officer, campaign, codes) -> None:
    pages = (f"/campaigns/{campaign}/slips?school=101", f"/campaigns/{campaign}/slips/{group_id()}")
    text = "".join(officer.get(page).text for page in pages).upper()
    assert not [code for group in codes.values() for code in group if code in text]


@pytest.mark.parametrize("persona", ["viewer", "school_a"])
def test_only_officers_come_near_slips(request, persona, campaign, codes) -> None:
    client = request.getfixturevalue(persona)
    for path in (f"/campaigns/{campaign}/slips", f"/campaigns/{campaign}/slips/{group_id()}", "/slips/printed/1"):
        assert client.get(path).status_code == 403
    for path in (f"/campaigns/{campaign}/slips", "/slips/printed/1/fetch", "/slips/printed/1/forget"):
        assert client.post(path).status_code == 403


def test_strangers_bad_ids_and_wrong_methods(stranger, officer, campaign) -> None:
    assert stranger.get(f"/campaigns/{campaign}/slips").location.startswith("/login")
    assert officer.get("/campaigns/99/slips").status_code == 404
    assert officer.get(f"/campaigns/{campaign}/slips/99").status_code == 404
    assert officer.get(f"/campaigns/{campaign}/slips/{group_id('O-BUREAU')}").status_code == 404
    assert officer.get("/slips/printed/99").status_code == 404
    assert officer.get("/slips/printed/1/fetch").status_code == 405


def test_three_and_three_hundred_groups_take_as_many_statements(officer, campaign, statements) -> None:
    path = f"/campaigns/{campaign}/slips?school=101"
    with statements() as few:
        officer.get(path)
    evaluation = db.session.get_one(RaterGroup, group_id()).evaluation_id
    for number in range(300):
        row = RaterGroup(evaluation_id=evaluation, code=f"x{number}", name="x", kind="slip", school_code="101")
        db.session.add(row)
    db.session.commit()
    with statements() as many:
        officer.get(path)
    assert len(few) == len(many)


def test_the_letter_and_the_poster_are_there_before_any_slip(officer, ready) -> None:
    page = officer.get(f"/campaigns/{ready}/slips").text
    for name in ("letter-parents", "poster-public_education"):
        address = f"/campaigns/{ready}/handouts/{name}"
        assert f'href="{address}.pdf"' in page
        answer = officer.get(f"{address}.pdf")
        assert (answer.mimetype, answer.data[:5]) == ("application/pdf", b"%PDF-")
        assert "attachment" in officer.get(f"{address}.html").headers["Content-Disposition"]
    assert slips() == 0
    assert officer.get(f"/campaigns/{ready}/handouts/letter-nobody.pdf").status_code == 404
    assert officer.get(f"/campaigns/{ready}/handouts/letter-parents.exe").status_code == 404


def test_names_that_the_pdf_cannot_show_are_listed_before_printing(officer, ready) -> None:
    assert "㐂" not in officer.get(f"/campaigns/{ready}/slips").text
    group = db.session.scalars(select(RaterGroup).where(RaterGroup.code == CLASS)).one()
    group.name = "㐂班"
    db.session.commit()
    page = officer.get(f"/campaigns/{ready}/slips").text
    assert "<td>㐂</td>" in page
    assert "student_teacher-101" in page
