"""The integrity monitor's page: for the bureau, in plain sentences, closed to schools and leaders."""

import pytest

from survey.extensions import db
from survey.models.campaigns import Evaluation
from survey.models.instruments import QuestionnaireVersion
from survey.services.integrity import Monitored, store_findings
from tests.released import add_campaign

CALM = {"judged": 40, "few_ballots": 2, "few_classes": 3, "alarms": 0, "firm": 0}
SHARES = {"observed": 0.6, "expected": 0.05}
VALUES = ({}, SHARES, {**SHARES, "target": "王<b>芳"})


def reason(signal: str, **values) -> dict:
    shares = {"one_target": False, "target": None, "observed": None, "expected": None}
    return {"signal": signal, **shares, **values}


def keep(*reasons: dict, kind: str = "group", findings: int = 1, state: str = "tallied") -> int:
    """A counted campaign whose monitor found so many groups, each for these reasons; returns its id."""
    campaign = add_campaign(state=state)
    form = db.session.query(QuestionnaireVersion).filter_by(code="student_teacher").one()
    evaluation = Evaluation(campaign_id=campaign.id, relation="student_teacher", questionnaire_id=form.id, scheme={})
    db.session.add(evaluation)
    db.session.flush()
    document = {"pages": 240, "firm": True, "p": 0.00002, "p_adjusted": 0.001, "reasons": list(reasons)}
    rows = [
        {"position": place, "kind": kind, "code": f"S-{place}", "name": f"第1小学 {place}班", "school_code": "101"}
        | {"document": document}
        for place in range(findings)
    ]
    numbers = {"level": 0.01, "group": {**CALM, "alarms": findings}, "school": CALM}
    monitored = Monitored(
        evaluation_id=evaluation.id,
        campaign_id=campaign.id,
        relation="student_teacher",
        document=numbers,
        findings=rows,
    )
    store_findings(db.session(), [monitored])
    db.session.commit()
    return campaign.id


def test_the_officer_reads_observed_and_expected(officer) -> None:
    number = keep(reason("full_marks", observed=0.95, expected=0.2), reason("turnout"))
    text = officer.get(f"/campaigns/{number}/integrity").text
    assert "第1小学 0班" in text
    assert "20%" in text
    assert "95%" in text
    assert text.count("<li><strong>") == 2


@pytest.mark.parametrize("signal", ["full_marks", "straight", "copies", "turnout", "second_uses", "burst"])
@pytest.mark.parametrize("values", VALUES)
def test_every_reason_has_its_sentence(officer, signal, values) -> None:
    text = officer.get(f"/campaigns/{keep(reason(signal, **values))}/integrity").text
    assert "%(" not in text
    assert "<b>" not in text
    if values.get("target") and signal in {"full_marks", "straight", "copies"}:
        assert "王&lt;b&gt;芳" in text


@pytest.mark.parametrize("who", ["school_a", "viewer"])
def test_others_may_not_look(request, who) -> None:
    browser = request.getfixturevalue(who)
    number = keep(reason("full_marks"))
    reply = browser.get(f"/campaigns/{number}/integrity")
    assert reply.status_code == 403
    assert "0班" not in reply.text


def test_it_needs_a_login(stranger) -> None:
    assert stranger.get(f"/campaigns/{keep()}/integrity").status_code in {302, 303}


def test_nothing_before_the_count_and_an_unknown_campaign(officer) -> None:
    assert officer.get("/campaigns/999/integrity").status_code == 404
    waiting = add_campaign(state="closed").id
    assert officer.get(f"/campaigns/{waiting}/integrity").status_code == 200
    assert officer.post(f"/campaigns/{waiting}/integrity").status_code == 405


def test_the_campaign_leads_there_once_it_is_counted(officer) -> None:
    link = "/campaigns/{}/integrity"
    for state, leads in (("closed", False), ("tallied", True)):
        number = add_campaign(state=state).id
        assert (link.format(number) in officer.get(f"/campaigns/{number}").text) is leads


def test_as_many_statements_for_three_alarms_as_for_three_hundred(officer, statements) -> None:
    counts = []
    for findings in (3, 300):
        number = keep(reason("straight"), findings=findings)
        with statements() as seen:
            officer.get(f"/campaigns/{number}/integrity")
        counts.append(len(seen))
    assert counts[0] == counts[1]


def test_a_page_without_evaluations_says_so(officer) -> None:
    number = add_campaign(state="tallied").id
    assert 'class="empty"' in officer.get(f"/campaigns/{number}/integrity").text
