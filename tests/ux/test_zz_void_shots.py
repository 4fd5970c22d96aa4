import secrets
from survey.services.ballots import Holder, cast, find_progress, pack_payload
from survey.services.campaigns import move_campaign
from survey.services.voiding import Unit, void_unit
from survey.services.pressure_reports import Report, report_pressure
from survey.services import accounts
from survey.extensions import db
from survey.models.campaigns import RaterGroup, Campaign
from sqlalchemy import select
OUT = "/tmp/plan_void_shots"
def both(browser, site, path, name, login=None, lang="zh_Hans_CN"):
    for width in (360, 1280):
        ctx = browser.new_context(viewport={"width": width, "height": 800}, locale="zh-CN")
        page = ctx.new_page()
        if lang == "en": page.goto(f"{site.base}/language?to=en&next=/")
        if login:
            page.goto(f"{site.base}/login"); page.fill("#name", login[0]); page.fill("#password", login[1]); page.click("main button[type=submit]")
        page.goto(site.base + path)
        over = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        print(name, width, "overflow", over, page.title())
        page.screenshot(path=f"{OUT}/{name}-{width}.png", full_page=True)
        ctx.close()
def vote(codes, n):
    for code in codes[:n]:
        h = Holder(code=code)
        while (p := find_progress(h).next_page) is not None:
            cast(h, target_code=p.code, form=secrets.token_hex(16), payload=pack_payload(bytes([4]*8)))
def test_shots(site, browser, codes, campaign, capsys):
    C = "S-101-三年级1班"
    vote(codes[C], 8); vote(codes["S-102-三年级1班"], 9)
    group = db.session.scalars(select(RaterGroup.id).where(RaterGroup.kind == "open")).one()
    report_pressure(Report(kinds=["told", "watched"], school="第1小学", class_name="三年级1班", text="班主任在讲台上念：每题都选非常满意。" * 4), address="a")
    report_pressure(Report(kinds=["taken"]), address="a")
    from tests.views.conftest import PASSWORD
    made = {}
    for name, role in (("行评办王", "officer"), ("监察室李", "supervisor")):
        first = accounts.add_account(name, role=role, actor="t").first_password
        from survey.models.accounts import Account
        row = db.session.scalars(select(Account).where(Account.name == name)).one()
        from survey.services.passwords import hash_password
        row.password_hash, row.must_change, row.password_set = hash_password(PASSWORD), False, "2026-11-01"
        db.session.commit()
        made[role] = (name, PASSWORD)
    with capsys.disabled():
        both(browser, site, "/pressure", "pressure")
        both(browser, site, "/pressure", "pressure-en", lang="en")
        both(browser, site, "/pressure/thanks", "thanks")
        both(browser, site, "/promise", "promise")
        both(browser, site, "/promise", "promise-en", lang="en")
        both(browser, site, f"/notices/{campaign}", "notice")
        both(browser, site, f"/notices/{campaign}/guardians", "guardians")
        both(browser, site, f"/o/{group}", "open")
        db.session.get_one(Campaign, campaign).two_person = True; db.session.commit()
        from survey.services import approvals
        approvals.ask(campaign, "void", made["supervisor"][0], Unit(group="S-102-三年级1班").asked("监察室核实：班主任当堂要求统一填写"))
        void_unit(campaign, Unit(group=C), reason="监察室核实：班主任当堂要求统一填写", actor="console")
        both(browser, site, f"/campaigns/{campaign}/void?school=101", "void", login=made["officer"])
        both(browser, site, "/reports/pressure", "reports", login=made["supervisor"])
        move_campaign(campaign, "closed", actor="console"); move_campaign(campaign, "tallied", actor="console")
        both(browser, site, f"/balance/{campaign}", "balance")
        both(browser, site, f"/receipts/{campaign}", "receipts")
        both(browser, site, f"/campaigns/{campaign}/balance", "desk-balance", login=made["officer"])
