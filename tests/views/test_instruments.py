"""Questionnaires at the desk: list and preview."""


def test_the_list_and_a_preview_in_both_languages(officer) -> None:
    assert officer.get("/questionnaires").text.count("/questionnaires/") >= 8
    text = officer.get("/questionnaires/1").text
    assert 'lang="zh-Hans"' in text
    assert 'lang="en"' in text


def test_every_questionnaire_can_be_read(viewer) -> None:
    assert {viewer.get(f"/questionnaires/{number}").status_code for number in range(1, 9)} == {200}


def test_who_may_not_and_what_is_not_there(stranger, school_a, officer) -> None:
    assert stranger.get("/questionnaires").location.startswith("/login")
    assert school_a.get("/questionnaires").status_code == 403
    assert officer.get("/questionnaires/99").status_code == 404
    assert officer.post("/questionnaires").status_code == 405
