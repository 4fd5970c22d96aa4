"""A running site and a real browser; skipped with one visible line where there is no Chromium."""

import shutil
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, sync_playwright
from werkzeug.serving import make_server

from survey.config import Config
from survey.keys import make_master_key
from survey.queries.accounts import account_id
from survey.services.accounts import add_account, change_password

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync"]


PASSWORD = "a long enough password"


@dataclass
class Site:
    """An application that answers on a port of this machine."""

    app: Flask
    base: str


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """Settings whose public address is the port that `site` will listen on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = Config(instance=tmp_path / "instance", public_base_url=f"http://127.0.0.1:{port}")
    make_master_key(config.instance)
    return config


@pytest.fixture
def site(app: Flask, config: Config) -> Iterator[Site]:
    """The application, served by threads of this process."""
    app.config["WTF_CSRF_ENABLED"] = True
    port = int(config.public_base_url.rpartition(":")[2])
    server = make_server("127.0.0.1", port, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield Site(app=app, base=config.public_base_url)
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: browser tests are skipped")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def phone(browser: Browser) -> Iterator[Page]:
    """A phone of 360 × 640 that fails the test on a script error or a breach of the content policy."""
    context = browser.new_context(viewport={"width": 360, "height": 640}, locale="zh-CN")
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    yield page
    context.close()
    assert [text for text in complaints if "Failed to load resource" not in text] == []


@pytest.fixture
def desk(site: Site, county: object, phone: Page) -> Page:
    """The officer's browser, logged in; `phone` fails the test on a breach of the content policy."""
    made = add_account("officer", role="officer", actor="test")
    user = account_id("officer")
    assert user is not None
    change_password(user, old=made.first_password, new=PASSWORD)
    phone.goto(f"{site.base}/login")
    phone.fill("input[name=name]", "officer")
    phone.fill("input[name=password]", PASSWORD)
    phone.click("main button[type=submit]")
    return phone
