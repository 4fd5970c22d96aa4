"""Batches wait a day under random names; nothing else of the instance can be reached by a name."""

import os
import time
from pathlib import Path

import pytest
from flask import Flask

from survey.services.batches import KEPT_SECONDS, Batches

BATCHES = Batches(kind="exports")


def test_a_batch_lies_for_a_day_and_for_its_owner_only(app: Flask) -> None:
    old, new = BATCHES.add(), BATCHES.add()
    assert new.stat().st_mode & 0o777 == new.parent.stat().st_mode & 0o777 == 0o700
    long_ago = time.time() - KEPT_SECONDS - 60
    os.utime(old, (long_ago, long_ago))
    BATCHES.forget_old()
    assert BATCHES.all() == [new]
    assert (BATCHES.find(old.name), BATCHES.find(new.name)) == (None, new)


@pytest.mark.parametrize("name", ["", "..", ".", "../slips", "*", "0" * 31, "0" * 32, "/etc"])
def test_no_name_leads_out_of_the_folder(app: Flask, name: str) -> None:
    kept = BATCHES.add()
    assert BATCHES.find(name) is None
    BATCHES.forget(name)
    assert BATCHES.all() == [kept]
    assert Path(app.config["WUPING"].instance).is_dir()
