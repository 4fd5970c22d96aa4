"""Flask as this product uses it: headers on every answer, and nothing of the desk's work for a respondent's request."""

from typing import Any

from flask import Flask, Request, Response, g, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin

from survey.services.sessions import form_key

RESPONDENTS = "ballots."
MOST_BALLOT_BYTES = 128 * 1024
# Open to everybody, though not on the ballots' own path.
SMALL_FORMS = ("pressure_reports.send",)
_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'{nonce}; img-src 'self' data: blob:; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
_NO_STORE = ("Cache-Control", "no-store")
_FIXED_HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
)
_OF_RESPONDENT = "wuping.respondent"
_FOR_RESPONDENTS = [*_FIXED_HEADERS, _NO_STORE, ("Content-Security-Policy", _CSP.format(nonce=""))]
_HTTPS_ONLY = ("Strict-Transport-Security", "max-age=31536000")


def _with_headers(response: Response) -> Response:
    """Add the headers that every answer of the desk has."""
    headers = response.headers
    headers.extend(_FIXED_HEADERS)
    if "Cache-Control" not in headers:
        headers.add(*_NO_STORE)
    nonce = f" 'nonce-{g.csp_nonce}'" if "csp_nonce" in g else ""
    headers.add("Content-Security-Policy", _CSP.format(nonce=nonce))
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


class Application(Flask):
    """Flask without hooks that a respondent's request would pay for and not use: its code is its only capability.

    Session, account and CSRF token are the desk's: hooks bound to the whole application do not run for ballot pages.
    """

    session_interface = _DeskSessions()

    def ensure_sync(self, func: Any) -> Any:
        """Return the function as it is: no view or hook is a coroutine."""
        return func

    def preprocess_request(self) -> Any:
        """Run the hooks before a view, for the desk; a respondent's form is small."""
        if is_of_respondent() or request.endpoint in SMALL_FORMS:
            request.max_content_length = MOST_BALLOT_BYTES
        return None if is_of_respondent() else super().preprocess_request()

    def process_response(self, response: Response) -> Response:
        """Run the hooks after a view, save the session and add the headers, for the desk."""
        if not is_of_respondent():
            return _with_headers(super().process_response(response))
        request.environ[_OF_RESPONDENT] = True
        return response

    def wsgi_app(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Answer a request; a respondent's headers are always the same and are added here, as they stand."""

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
