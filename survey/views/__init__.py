"""The web layer: blueprints, error pages, headers and languages, all bound to the application here."""

import secrets
from datetime import timedelta
from importlib import import_module
from typing import Any

from flask import Flask, g, has_request_context, render_template, request
from flask_babel import get_locale
from flask_babel import gettext as _
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from survey.config import Config
from survey.errors import NotFound, SurveyError
from survey.services.punctuation import COLON, GAP
from survey.views import assets, filters
from survey.views.addresses import way_back
from survey.views.application import holds_nul

MODULES = (
    "public",
    "ballots",
    "pressure_reports",
    "notices",
    "accounts",
    "second_factors",
    "approvals",
    "audit",
    "checks",
    "campaigns",
    "sealed_boxes",
    "tokens",
    "rosters",
    "slips",
    "corrections",
    "deletions",
    "voiding",
    "turnout",
    "exports",
    "api_tokens",
    "api",
    "results",
    "comparisons",
    "publications",
    "integrity",
    "comments",
    "own_results",
    "reports",
    "methods",
    "instruments",
    "school_items",
    "jobs",
)
LANGUAGES = ("zh_Hans_CN", "en")
MOST_BODY = 51 * 1024 * 1024


def settings(config: Config) -> dict[str, Any]:
    """Return the Flask settings that follow from the instance's own."""
    return {
        "SQLALCHEMY_DATABASE_URI": config.sqlalchemy_url,
        # The connection used last comes first: its page cache and statements are warm.
        # An error that is logged names no values: they may be answers.
        "SQLALCHEMY_ENGINE_OPTIONS": {
            "pool_size": 24,
            "max_overflow": 0,
            "pool_use_lifo": True,
            "pool_timeout": 10,
            "hide_parameters": True,
        },
        "BABEL_DEFAULT_LOCALE": config.language,
        "BABEL_DEFAULT_TIMEZONE": "Asia/Shanghai",
        # The session's opaque id; and Flask's own cookie, which carries a CSRF secret and notices.
        "DESK_COOKIE": "__Host-desk" if config.https else "desk",
        "SESSION_COOKIE_NAME": "__Host-visit" if config.https else "visit",
        "SESSION_COOKIE_SECURE": config.https,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "PERMANENT_SESSION_LIFETIME": timedelta(hours=8),
        "SESSION_PROTECTION": None,
        "MAX_CONTENT_LENGTH": MOST_BODY,
        "MAX_FORM_MEMORY_SIZE": 1024 * 1024,
        "MAX_FORM_PARTS": 2000,
        "WTF_CSRF_TIME_LIMIT": None,
        "WTF_CSRF_SSL_STRICT": False,
    }


def choose_language() -> str:
    """Return the language of this request: the cookie's, else the instance's."""
    from flask import current_app

    chosen = request.cookies.get("language") if has_request_context() else None
    if chosen in LANGUAGES:
        return chosen
    return str(current_app.config["WUPING"].language)


def register(app: Flask) -> None:
    """Bind blueprints, filters, headers and error pages to `app`."""
    for name in MODULES:
        module = import_module(f"survey.views.{name}")
        app.register_blueprint(module.blueprint)
    assets.register(app)
    filters.register(app)
    app.before_request(_refuse_nul)
    app.register_error_handler(SurveyError, _survey_error)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _unexpected)
    app.jinja_env.globals.update(csp_nonce=_nonce, text_direction=_direction, gap=GAP, colon=COLON, way_back=way_back)
    config: Config = app.config["WUPING"]
    if config.proxy_hops:
        hops = config.proxy_hops
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]


def _nonce() -> str:
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    return str(g.csp_nonce)


def _direction() -> str:
    locale = get_locale()
    return locale.text_direction if locale else "ltr"


def _refuse_nul() -> None:
    if holds_nul():
        raise NotFound(_("This page does not exist."))


def _survey_error(error: SurveyError) -> tuple[str, int]:
    return _error_page(error.sentence(_), error.status)


def _http_error(error: HTTPException) -> Any:
    if error.code is None or error.code < 400:
        return error
    messages = {
        400: _("The form was not complete or too old. Load the page again and repeat the last step."),
        403: _("Your account may not do this."),
        404: _("This page does not exist."),
        405: _("This page does not exist."),
        413: _("The file is larger than 50 MB."),
    }
    return _error_page(messages.get(error.code, error.name), error.code)


def _unexpected(error: Exception) -> tuple[str, int]:
    from flask import current_app

    current_app.logger.exception("unexpected error on %s", request.endpoint)
    return _error_page(_("Something went wrong on our side. Nothing was half-saved. Please try again."), 500)


def _error_page(message: str, status: int) -> tuple[str, int]:
    return render_template("error.html", message=message, status=status), status
