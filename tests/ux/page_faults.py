"""What is wrong with a page as it stands in a browser: axe's rules, sizes of targets, contrast, clipping, focus."""

from functools import cache
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page


@cache
def _axe() -> Axe:
    return Axe()


def broken_rules(page: Page, *rules: str) -> list[str]:
    """Run axe-core (all its rules, best practices too, or only `rules`); return rule and place of each violation."""
    options: dict[str, Any] = {"runOnly": {"type": "rule", "values": list(rules)}} if rules else {}
    found = _axe().run(page, options=options).response["violations"]
    return [f"{rule['id']}: {node['html'][:160]}" for rule in found for node in rule["nodes"]]


_TARGETS = """least => [...document.querySelectorAll('a[href], button, input, textarea, select, label')].map(tag => {
    if (tag.matches('label') && !tag.querySelector('input')) return null;
    if (tag.matches('label input, [type=hidden]')) return null;
    const box = tag.getBoundingClientRect();
    // Half a pixel of rounding; nothing that is not there.
    if (!box.width || Math.min(box.width, box.height) >= least - .5) return null;
    return `${Math.round(box.width)} x ${Math.round(box.height)}: ${tag.outerHTML.slice(0, 120)}`;
}).filter(Boolean)"""


def small_targets(page: Page, *, least: int) -> list[str]:
    """Return what can be tapped and is lower or narrower than `least` CSS pixels; links in a sentence, too."""
    return list(page.evaluate(_TARGETS, least))


# WCAG 2.2, 1.4.3 with its own formula; axe leaves out what stands beside pseudo-elements and pictures.
_CONTRAST = """() => {
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    const over = (colours) => {
        canvas.clearRect(0, 0, 1, 1);
        for (const colour of colours) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }
        return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
    };
    const light = (colour) => colour.map(part => part / 255)
        .map(part => part <= .04045 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4)
        .reduce((sum, part, place) => sum + part * [.2126, .7152, .0722][place], 0);
    const faults = [];
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        const tag = texts.currentNode.parentElement;
        if (!texts.currentNode.textContent.trim() || !tag.checkVisibility() || tag.closest('script, .spoken')) continue;
        const grounds = [];
        for (let at = tag; at; at = at.parentElement) grounds.unshift(getComputedStyle(at).backgroundColor);
        const ground = over(['Canvas', ...grounds]);
        const ink = over([`rgb(${ground})`, getComputedStyle(tag).color]);
        const [low, high] = [light(ground), light(ink)].sort((a, b) => a - b);
        const ratio = (high + .05) / (low + .05);
        if (ratio < 4.5) faults.push(`${ratio.toFixed(2)}: ${texts.currentNode.textContent.trim().slice(0, 40)}`);
    }
    return faults;
}"""


def faint_texts(page: Page) -> list[str]:
    """Return the texts whose contrast with what is behind them is below 4.5:1, whatever their size."""
    return list(page.evaluate(_CONTRAST))


_CLIPPED = """() => [...document.querySelectorAll('body *')].filter(tag => {
    if (!tag.checkVisibility() || tag.matches('.spoken, input, progress, textarea, svg, svg *')) return false;
    const style = getComputedStyle(tag);
    if (style.overflow !== 'visible' && style.overflow !== 'auto' && style.display !== 'inline')
        return tag.scrollWidth > tag.clientWidth + 1 || tag.scrollHeight > tag.clientHeight + 1;
    const box = tag.getBoundingClientRect();
    return box.width > 0 && (box.left < -1 || box.right > innerWidth + 1);
}).map(tag => tag.outerHTML.slice(0, 100))"""


def clipped(page: Page) -> list[str]:
    """Return what is cut off or reaches beyond the screen; a page that scrolls sideways is one of them."""
    sideways = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return [*page.evaluate(_CLIPPED), *([f"scrolls {sideways} px sideways"] if sideways > 0 else [])]


# A native radio, or the box that stands for it, or the control itself must show where the keyboard is.
_FOCUS = """() => {
    const tag = document.activeElement;
    if (tag === document.body) return null;
    const shown = [tag, tag.nextElementSibling].filter(Boolean).map(getComputedStyle)
        .some(style => style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2);
    return [shown, tag.outerHTML.slice(0, 100)];
}"""


def hidden_focus(page: Page, *, presses: int = 60) -> list[str]:
    """Walk through the page by the Tab key; return the stops that do not show that they have the focus."""
    lost = []
    seen: set[str] = set()
    page.evaluate("document.activeElement.blur()")
    for _press in range(presses):
        page.keyboard.press("Tab")
        found = page.evaluate(_FOCUS)
        if found is None or found[1] in seen:
            break
        seen.add(found[1])
        if not found[0]:
            lost.append(found[1])
    return lost
