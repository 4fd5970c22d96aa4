"""Flask as this product uses it: headers on every answer, and nothing of the desk's work for a respondent's request."""

from typing import Any, cast

from flask import Flask, Request, Response, g, request
from flask.globals import request_ctx
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.http import parse_cookie
from werkzeug.routing import MapAdapter, Rule
from werkzeug.utils import cached_property

from survey.services.sessions import form_key
from survey.views.assets import style_source

RESPONDENTS = "ballots."
MOST_BALLOT_BYTES = 128 * 1024
# Open to everybody, though not on the ballots' own path.
SMALL_FORMS = ("pressure_reports.send",)
_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'{style}; img-src 'self' data: blob:; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
_NO_STORE = ("Cache-Control", "no-store")
_FIXED_HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
)
_OF_RESPONDENT = "wuping.respondent"
_FOR_RESPONDENTS = [
    *_FIXED_HEADERS,
    _NO_STORE,
    ("Content-Security-Policy", _CSP.format(style=f" {style_source('ballot.css')}")),
]
_HTTPS_ONLY = ("Strict-Transport-Security", "max-age=31536000")


def _with_headers(response: Response) -> Response:
    """Add the headers that every answer of the desk has."""
    headers = response.headers
    headers.extend(_FIXED_HEADERS)
    if "Cache-Control" not in headers:
        headers.add(*_NO_STORE)
    nonce = f" 'nonce-{g.csp_nonce}'" if "csp_nonce" in g else ""
    headers.add("Content-Security-Policy", _CSP.format(style=nonce))
    if request.is_secure:
        headers.add(*_HTTPS_ONLY)
    return response


class _DeskSessions(SecureCookieSessionInterface):
    """What Flask calls a session: CSRF secret and notices in a signed cookie, and nothing that says who is logged in.

    That is the opaque id in the cookie `desk_cookie` (`services.sessions`); under it the CSRF secret is the session's
    own. A respondent's request brings none, leaves none and pays for none.
    """

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        cookies = request.environ.get("HTTP_COOKIE", "")
        if not cookies:
            return self.session_class()
        named = f"{self.get_cookie_name(app)}=" in cookies
        visit = (super().open_session(app, request) if named else None) or self.session_class()
        if f"{app.config['DESK_COOKIE']}=" in cookies and (token := desk_token(app, request)):
            # Past the dictionary's own hook: nothing has changed that the browser must be told.
            dict.__setitem__(visit, "csrf_token", form_key(token))
        return visit

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        if session or session.modified:
            super().save_session(app, session, response)


def desk_token(app: Flask, request: Request) -> str:
    """Return the session id that the browser sent, "" without one; whether it opens anything is not said here."""
    return request.cookies.get(app.config["DESK_COOKIE"], "")


class _Request(Request):
    """Flask's request, which asks the environment for its cookies instead of looking through all headers."""

    @cached_property
    def cookies(self) -> ImmutableMultiDict[str, str]:
        """What the browser sent back, by name."""
        return cast("ImmutableMultiDict[str, str]", parse_cookie(self.environ, cls=ImmutableMultiDict))


class _Found(MapAdapter):
    """The addresses as one request sees them, its own rule found beforehand."""

    rule: Rule

    def match(self, *_given: Any, **_named: Any) -> Any:
        return self.rule, {}


class Application(Flask):
    """Flask without what a respondent's request would pay for and not use: its code is its only capability.

    Hooks, signals, session, account and CSRF token are the desk's, and the ballots' few fixed addresses are looked up
    in a dictionary. On the whole that costs less than half of Flask's own way (`make bench`).
    """

    request_class = _Request
    session_interface = _DeskSessions()

    @cached_property
    def _fixed(self) -> dict[tuple[str, str], Rule]:
        """The ballots' rules without variable parts, by method and path."""
        rules = [rule for rule in self.url_map.iter_rules() if rule.endpoint.startswith(RESPONDENTS)]
        return {(method, rule.rule): rule for rule in rules if not rule.arguments for method in rule.methods or ()}

    def ensure_sync(self, func: Any) -> Any:
        """Return the function as it is: no view or hook is a coroutine."""
        return func

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Find a respondent's rule at once; nothing on these pages depends on the host's name."""
        if request is None:
            return super().create_url_adapter(None)
        asked = request.environ
        rule = self._fixed.get((asked["REQUEST_METHOD"], asked["PATH_INFO"]))
        if rule is None:
            return super().create_url_adapter(request)
        adapter = _Found(
            self.url_map,
            asked.get("HTTP_HOST", ""),
            "/",
            self.url_map.default_subdomain,
            asked["wsgi.url_scheme"],
            asked["PATH_INFO"],
            asked["REQUEST_METHOD"],
        )
        adapter.rule = rule
        return adapter

    def full_dispatch_request(self) -> Response:
        """Answer a request; a respondent's form is small, and its view is called without hooks and signals."""
        asked = request_ctx.request
        rule = asked.url_rule
        if rule is None or not rule.endpoint.startswith(RESPONDENTS) or asked.method == "OPTIONS":
            return super().full_dispatch_request()
        asked.max_content_length = MOST_BALLOT_BYTES
        answer: Any
        try:
            answer = self.view_functions[rule.endpoint](**(asked.view_args or {}))
        except Exception as error:
            answer = self.handle_user_exception(error)
        asked.environ[_OF_RESPONDENT] = True
        return answer if isinstance(answer, Response) else self.make_response(answer)

    def preprocess_request(self) -> Any:
        """Run the hooks before a view of the desk."""
        if request.endpoint in SMALL_FORMS:
            request.max_content_length = MOST_BALLOT_BYTES
        return super().preprocess_request()

    def process_response(self, response: Response) -> Response:
        """Run the hooks after a view, save the session and add the headers."""
        return _with_headers(super().process_response(response))

    def do_teardown_request(self, exc: BaseException | None = None) -> None:
        """Call what is to be called when a request ends, if there is anything."""
        if self.teardown_request_funcs:
            super().do_teardown_request(exc)

    def wsgi_app(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Answer a request; a respondent's headers are always the same and are added here, as they stand.

        The program stands at the root of its host. A prefix that a client named would stand in the addresses of
        pages that are rendered once for everybody.
        """
        environ["SCRIPT_NAME"] = ""

        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            if _OF_RESPONDENT in environ:
                headers = headers + _FOR_RESPONDENTS
                if environ["wsgi.url_scheme"] == "https":
                    headers.append(_HTTPS_ONLY)
            return start_response(status, headers, *more)

        return super().wsgi_app(environ, start)


def holds_nul() -> bool:
    """Tell whether the address or a posted field holds the letter NUL, which PostgreSQL cannot."""
    fields = request.form.values() if request.form else ()
    return any("\0" in text for text in (request.path, *request.args.values(), *fields))


def is_of_respondent() -> bool:
    """Tell whether this request is for a respondent's page."""
    return (request.endpoint or "").startswith(RESPONDENTS)
