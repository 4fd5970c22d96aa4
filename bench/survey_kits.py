"""The same ten items in two survey kits and here, measured in one browser in one way; prints a table.

The kits are no part of this repository. To repeat:

    npm install --prefix FOLDER survey-core survey-js-ui @formio/js bootstrap
    .venv/bin/python -m bench.survey_kits FOLDER

Bytes and requests are those of a first visit with an empty cache, everything compressed by gzip. Seconds are the best
of some loads at 240 kbit/s, 840 ms a round trip and a processor slowed six times, until the first answer can be tapped.
"""

import argparse
import gzip
import json
import logging
import mimetypes
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from survey.services.ballots import Holder, find_progress
from survey.services.seals import seal
from tests.ux.conftest import CHROMIUM, FLAGS
from tests.ux.page_faults import broken_rules, small_targets
from tests.ux.standing import PARENTS, Standing, standing_site

EDGE = {"offline": False, "latency": 840, "downloadThroughput": 240_000 / 8, "uploadThroughput": 200_000 / 8}
SLOW, LOADS = 6, 3
HEAD = '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title>{title}</title>{head}</head>'
VIEW = '<meta name="viewport" content="width=device-width,initial-scale=1"><link rel="icon" href="data:,">'
PAGE = HEAD + '<body><main><h1>{title}</h1><div id="form"></div></main>{scripts}</body></html>'


@dataclass(frozen=True, kw_only=True)
class Questions:
    """What is asked: the same words for every kit."""

    title: str
    items: tuple[str, ...]
    labels: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Entrant:
    """One page to measure. choice: what is tapped for item n; end: what is there once the answers were taken."""

    name: str
    address: str
    first: str
    choice: str
    submit: str
    end: str
    cookies: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What one page costs and whether it serves everybody."""

    name: str
    bytes: int
    requests: int
    seconds: float
    taps: int
    rules: tuple[str, ...]
    places: int
    small: int
    without_script: bool


def read_questions(browser: Browser, site: Standing) -> Questions:
    """Read title, items and labels off our own page."""
    page = browser.new_page()
    site.open(page, PARENTS)
    items = [text.split(" ", 1)[-1].strip() for text in page.locator("legend").all_inner_texts()]
    labels = page.locator("fieldset").first.locator("label").all_inner_texts()
    title = page.locator("h1").inner_text()
    page.close()
    return Questions(title=title, items=tuple(items), labels=tuple(label.strip() for label in labels))


def surveyjs(asked: Questions) -> str:
    """Return a page of SurveyJS; its style without the embedded font, which is the lighter one."""
    questions = [
        {"type": "radiogroup", "name": f"q{n}", "title": text, "isRequired": True, "choices": list(asked.labels)}
        for n, text in enumerate(asked.items)
    ]
    model = json.dumps({"locale": "zh-cn", "elements": questions}, ensure_ascii=False)
    start = f"const model = new Survey.Model({model}); model.onComplete.add(() => document.body.id = 'done');"
    scripts = ("survey-core/survey.core.min.js", "survey-js-ui/survey-js-ui.min.js")
    start += "SurveyUI.renderSurvey(model, document.getElementById('form'));"
    return _page(asked, styles=("survey-core/survey-core.fontless.min.css",), scripts=scripts, start=start)


def formio(asked: Questions) -> str:
    """Return a page of Form.io with the style of Bootstrap, as its guide has it."""
    values = [{"label": label, "value": str(place)} for place, label in enumerate(asked.labels)]
    components: list[dict[str, Any]] = [
        {"type": "radio", "key": f"q{n}", "label": text, "values": values, "validate": {"required": True}}
        for n, text in enumerate(asked.items)
    ]
    components.append({"type": "button", "action": "submit", "key": "submit", "label": "提交"})
    form = json.dumps({"components": components}, ensure_ascii=False)
    start = f"Formio.createForm(document.getElementById('form'), {form})"
    start += ".then(form => { form.nosubmit = true; form.on('submit', () => { document.body.id = 'done'; }); });"
    styles = ("bootstrap/dist/css/bootstrap.min.css", "@formio/js/dist/formio.form.min.css")
    return _page(asked, styles=styles, scripts=("@formio/js/dist/formio.form.min.js",), start=start)


def _page(asked: Questions, *, styles: tuple[str, ...], scripts: tuple[str, ...], start: str) -> str:
    links = "".join(f'<link rel="stylesheet" href="/{name}">' for name in styles)
    tags = "".join(f'<script src="/{name}"></script>' for name in scripts) + f"<script>{start}</script>"
    return PAGE.format(title=asked.title, head=VIEW + links, scripts=tags)


class Kits(BaseHTTPRequestHandler):
    """Serves the pages and the kits' files compressed, as a well-kept server does."""

    pages: ClassVar[dict[str, bytes]] = {}
    folder: ClassVar[Path]

    def do_GET(self) -> None:
        """Answer with a page or a file."""
        body = self.pages.get(self.path) or gzip.compress((self.folder / self.path.lstrip("/")).read_bytes())
        kind = "text/html" if self.path in self.pages else mimetypes.guess_type(self.path)[0]
        self.send_response(200)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: Any) -> None:
        """Say nothing."""


@contextmanager
def kits(folder: Path, pages: Mapping[str, str]) -> Iterator[str]:
    """Serve the kits' pages; yield the address."""
    Kits.folder = folder / "node_modules"
    Kits.pages = {path: gzip.compress(text.encode()) for path, text in pages.items()}
    server = ThreadingHTTPServer(("127.0.0.1", 0), Kits)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def measure(browser: Browser, entrant: Entrant) -> Measured:
    """Measure one page: first its way over the slow line, then a whole answer, axe, and a browser without script."""
    weights = [_load(browser, entrant) for _load_ in range(LOADS)]
    without_script = _without_script(browser, entrant)
    context = _context(browser, entrant)
    page = context.new_page()
    page.goto(entrant.address)
    page.wait_for_selector(entrant.first)
    broken = broken_rules(page)
    small = small_targets(page, least=44)
    taps = _answer(page, entrant)
    context.close()
    return Measured(
        name=entrant.name,
        bytes=weights[0][0],
        requests=weights[0][1],
        seconds=min(seconds for _bytes, _requests, seconds in weights),
        taps=taps,
        rules=tuple(sorted({fault.partition(":")[0] for fault in broken})),
        places=len(broken),
        small=len(small),
        without_script=without_script,
    )


def _context(browser: Browser, entrant: Entrant, **more: Any) -> BrowserContext:
    context = browser.new_context(viewport={"width": 360, "height": 640}, locale="zh-CN", **more)
    context.add_cookies([dict(cookie) for cookie in entrant.cookies])  # type: ignore[misc]
    return context


def _load(browser: Browser, entrant: Entrant) -> tuple[int, int, float]:
    context = _context(browser, entrant)
    page, sizes, asked = context.new_page(), [], []
    wire = context.new_cdp_session(page)
    wire.send("Network.enable")
    wire.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    wire.on("Network.requestWillBeSent", lambda event: asked.append(event["request"]["url"]))
    wire.send("Network.emulateNetworkConditions", EDGE)
    wire.send("Emulation.setCPUThrottlingRate", {"rate": SLOW})
    # Not until all is loaded: an answer can be tapped as soon as it stands there.
    page.goto(entrant.address, timeout=120_000, wait_until="commit")
    page.wait_for_selector(entrant.first, timeout=120_000)
    seconds = page.evaluate("performance.now()") / 1000
    page.wait_for_load_state("load", timeout=120_000)
    context.close()
    return int(sum(sizes)), len([url for url in asked if not url.startswith(("data:", "blob:"))]), float(seconds)


def _answer(page: Page, entrant: Entrant) -> int:
    taps = 0
    while taps < page.locator(entrant.first).count():
        page.locator(entrant.choice).nth(taps).click()
        taps += 1
    page.locator(entrant.submit).click()
    page.wait_for_selector(entrant.end, timeout=10_000, state="attached")
    return taps + 1


def _without_script(browser: Browser, entrant: Entrant) -> bool:
    context = _context(browser, entrant, java_script_enabled=False)
    page = context.new_page()
    page.goto(entrant.address)
    found = page.locator("input[type=radio]").count() > 0
    context.close()
    return found


def entrants(site: Standing, base: str) -> list[Entrant]:
    """Return the three pages."""
    code = site.codes[PARENTS][-1]
    group = find_progress(Holder(code=code)).electorate.group_id
    cookie = {"name": "v", "value": seal(Holder(code=code, group_id=group)), "url": f"{site.base}/v/page"}
    return [
        Entrant(
            name="五评",
            address=f"{site.base}/v/page",
            first="fieldset[data-item]",
            choice="fieldset[data-item] label:nth-of-type(2)",
            submit="button[name=cast]",
            end="[data-receipt]",
            cookies=(cookie,),
        ),
        Entrant(
            name="SurveyJS",
            address=f"{base}/surveyjs",
            first=".sd-question",
            choice=".sd-question .sd-item:nth-child(2) label",
            submit=".sd-navigation__complete-btn",
            end="#done",
        ),
        Entrant(
            name="Form.io",
            address=f"{base}/formio",
            first=".formio-component-radio",
            choice=".formio-component-radio .form-check:nth-child(2) label",
            submit=".formio-component-submit button",
            end="#done",
        ),
    ]


def lines(measured: list[Measured]) -> Iterator[str]:
    """Yield the table."""
    yield "| | " + " | ".join(one.name for one in measured) + " |"
    yield "|---" * (len(measured) + 1) + "|"
    rows = {
        "KB compressed": [f"{one.bytes / 1024:.1f}" for one in measured],
        "Requests": [str(one.requests) for one in measured],
        "Seconds on EDGE, processor slowed 6 times": [f"{one.seconds:.1f}" for one in measured],
        "Taps for ten items": [str(one.taps) for one in measured],
        "axe: rules broken (places)": [f"{len(one.rules)} ({one.places})" for one in measured],
        "Targets below 44 px": [str(one.small) for one in measured],
        "Works without JavaScript": ["yes" if one.without_script else "no" for one in measured],
    }
    for name, cells in rows.items():
        yield f"| {name} | " + " | ".join(cells) + " |"
    yield from (f"\n{one.name}, axe: {', '.join(one.rules)}" for one in measured if one.rules)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.survey_kits", description=__doc__)
    parser.add_argument("folder", type=Path, help="where npm installed the kits")
    folder = parser.parse_args().folder
    logging.getLogger("werkzeug").disabled = True
    with tempfile.TemporaryDirectory() as own, standing_site(Path(own)) as site, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        asked = read_questions(browser, site)
        with kits(folder, {"/surveyjs": surveyjs(asked), "/formio": formio(asked)}) as base:
            print("\n".join(lines([measure(browser, entrant) for entrant in entrants(site, base)])))
        browser.close()


if __name__ == "__main__":
    main()
