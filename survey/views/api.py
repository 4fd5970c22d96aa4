"""The read interface (读接口): released results as JSON, for programs that hold a token; it changes nothing."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from types import MappingProxyType
from typing import Any

from flask import Blueprint, Response, current_app, json, jsonify, request
from flask_babel import gettext as _
from werkzeug.exceptions import HTTPException
from werkzeug.http import HTTP_STATUS_CODES

from survey import __version__
from survey.errors import BadInput, Forbidden, NotFound, SurveyError, TooMany
from survey.extensions import csrf
from survey.queries import exports, publications, results
from survey.queries.api_tokens import PUBLIC, Grant
from survey.queries.exports import PAIR_KINDS, Part
from survey.queries.paging import count_pages
from survey.queries.results import Row
from survey.services.api_tokens import grant_of
from survey.views.api_description import describe

blueprint = Blueprint("api", __name__, url_prefix="/api/v1")
# Nothing is written here, and no cookie opens anything.
csrf.exempt(blueprint)
MOST_ROWS = 100
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
# The largest id that a database keeps. Not a limit of the address: that would be refused as a page, not as a problem.
MOST_ID = 2_147_483_647
CAMPAIGN = "/campaigns/<int:campaign_id>"
EVALUATION = f"{CAMPAIGN}/evaluations/<relation>"
Document = Mapping[str, Any]
Resource = Callable[..., Document]


class NoToken(SurveyError):
    """The request came without a token that holds today."""

    status = 401


def resource(*, public: bool = False) -> Callable[[Resource], Callable[..., Response]]:
    """Turn a function of a grant into a view: token, limits, and 304 for who has this release already.

    public: also for tokens of the public view; else they are told that they may not.
    """

    def decorate(read: Resource) -> Callable[..., Response]:
        @wraps(read)
        def answer(**where: Any) -> Response:
            grant = _grant()
            if grant.view == PUBLIC and not public:
                raise Forbidden(_("This token reads published results only: /campaigns and their /publication."))
            number = where.get("campaign_id", 0)
            if number > MOST_ID or ("campaign_id" in where and not grant.covers(number)):
                raise NotFound(_("There are no released results here."))
            return _fresh(_stamp(grant, where), lambda: read(grant, **where))

        return answer

    return decorate


def _grant() -> Grant:
    kind, _blank, token = request.headers.get("Authorization", "").partition(" ")
    # A wrong kind of authorisation counts as a wrong token.
    found = grant_of(token.strip() if kind.lower() == "bearer" else "", address=request.remote_addr or "")
    if found is None:
        raise NoToken(_("Send a token that holds today: Authorization: Bearer wuping_…"))
    return found


def _stamp(grant: Grant, where: Document) -> str | None:
    """Return what tells this answer from every other, None where only its content does."""
    if "campaign_id" not in where or grant.view == PUBLIC or request.path.endswith("/publication"):
        return None
    seen = exports.edition(where["campaign_id"])
    parts = (seen, __version__, grant.view, grant.school_code or "", request.full_path)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def _fresh(stamp: str | None, read: Callable[[], Document]) -> Response:
    """Answer with an ETag; a release is not read again for who has it."""
    known = stamp is not None and request.if_none_match.contains(stamp)
    response = Response(status=304) if known else jsonify(read())
    response.set_etag(stamp or hashlib.sha256(response.get_data()).hexdigest()[:32])
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Vary"] = "Authorization"
    response.make_conditional(request)
    return response


@blueprint.get("/campaigns")
@resource(public=True)
def campaigns(grant: Grant) -> Document:
    """List the campaigns with released results that the token may read, newest first."""
    known = [_campaign(row) for row in results.released_campaigns(grant.school_code) if grant.covers(row.id)]
    if grant.view == PUBLIC:
        known = [{"id": row.id, "name": row.name, "year": row.year} for row in publications.public_campaigns()]
        known = [row for row in known if grant.covers(row["id"])]
    return _page(known)


def _campaign(row: results.ReleasedCampaign) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "year": row.year,
        "state": row.state,
        "version": row.version,
        "first_day": row.first_day.isoformat(),
        "last_day": row.last_day.isoformat(),
        "relations": list(row.relations),
    }


def _page(entries: list[dict[str, Any]]) -> Document:
    number, size = _asked()
    shown = entries[size * (number - 1) : size * number]
    return {"items": shown, "total": len(entries), "page": number, "pages": count_pages(len(entries), size)}


def _asked() -> tuple[int, int]:
    """Return page and size as asked for; raise BadInput for what is no whole number in bounds."""
    return _whole("page", 1, most=1_000_000), _whole("size", MOST_ROWS, most=MOST_ROWS)


def _whole(name: str, usual: int, *, most: int) -> int:
    text = request.args.get(name, str(usual))
    if not (text.isascii() and text.isdecimal() and len(text) <= 7 and 1 <= int(text) <= most):
        raise BadInput(_("%(name)s must be a whole number from 1 to %(most)s.", name=name, most=most))
    return int(text)


@blueprint.get(CAMPAIGN)
@resource()
def campaign(grant: Grant, *, campaign_id: int) -> Document:
    """Return one campaign."""
    for row in results.released_campaigns(grant.school_code):
        if row.id == campaign_id:
            return _campaign(row)
    raise NotFound(_("There are no released results here."))


@blueprint.get(f"{CAMPAIGN}/publication")
@resource(public=True)
def publication(grant: Grant, *, campaign_id: int) -> Document:
    """Return what is published of a campaign, as everybody may read it."""
    found = publications.published_results(campaign_id)
    return {"campaign": found.campaign_id, "published_at": found.published_at, "document": found.document}


@blueprint.get(f"{CAMPAIGN}/evaluations")
@resource()
def evaluations(grant: Grant, *, campaign_id: int) -> Document:
    """Return the evaluations of a campaign, each as a whole."""
    return _page([_evaluation(part) for part in exports.released_parts(campaign_id, grant.audience)])


def _evaluation(part: Part) -> dict[str, Any]:
    counts = {"targets": part.count(), "units": len(part.units())}
    return {**exports.evaluation_frame(part), "counts": counts, "overall": part.overall, **part.summary}


@blueprint.get(EVALUATION)
@resource()
def evaluation(grant: Grant, *, campaign_id: int, relation: str) -> Document:
    """Return one evaluation as a whole: scheme, overall figures, tests, reliability, quality of the scale."""
    return _evaluation(exports.find_part(campaign_id, relation, grant.audience))


@blueprint.get(f"{EVALUATION}/items")
@resource()
def items(grant: Grant, *, campaign_id: int, relation: str) -> Document:
    """Return the items of an evaluation with their wordings, and its levels from the best down."""
    part = exports.find_part(campaign_id, relation, grant.audience)
    known = part.questionnaire
    dimensions = {row.code: vars(row.text) for row in known.dimensions} if known else {}
    found = {i.code: {"dimension": dimensions[i.dimension], "text": vars(i.text)} for i in known.items} if known else {}
    levels = [{"value": level.value, "text": vars(level.text)} for level in known.levels] if known else []
    empty = {"dimension": None, "text": None}
    return {"levels": levels, **_page([{"code": code, **found.get(code, empty)} for code in part.items])}


@blueprint.get(f"{EVALUATION}/units")
@resource()
def units(grant: Grant, *, campaign_id: int, relation: str) -> Document:
    """Return the units of an evaluation."""
    number, size = _asked()
    part = exports.find_part(campaign_id, relation, grant.audience)
    return _rows(exports.page_of_units(part, page=number, size=size))


@blueprint.get(f"{EVALUATION}/units/<path:code>")
@resource()
def unit(grant: Grant, *, campaign_id: int, relation: str, code: str) -> Document:
    """Return one unit."""
    return _named(exports.find_unit(exports.find_part(campaign_id, relation, grant.audience), code))


@blueprint.get(f"{EVALUATION}/targets")
@resource()
def targets(grant: Grant, *, campaign_id: int, relation: str) -> Document:
    """Return targets of an evaluation with their items; of one `unit`, or those with a name or code like `search`."""
    number, size = _asked()
    part = exports.find_part(campaign_id, relation, grant.audience)
    unit, search = (request.args.get(name, "").strip()[:100] for name in ("unit", "search"))
    return _rows(exports.page_of_targets(part, unit=unit, search=search, page=number, size=size))


@blueprint.get(f"{EVALUATION}/targets/<path:code>")
@resource()
def target(grant: Grant, *, campaign_id: int, relation: str, code: str) -> Document:
    """Return one target with its items."""
    return _named(exports.find_target(exports.find_part(campaign_id, relation, grant.audience), code))


@blueprint.get(f"{EVALUATION}/pairs")
@resource()
def pairs(grant: Grant, *, campaign_id: int, relation: str) -> Document:
    """Return the compared pairs: `kind` comparison (of units) or paired (of targets on one ballot)."""
    number, size = _asked()
    kind = request.args.get("kind", PAIR_KINDS[0])
    if kind not in PAIR_KINDS:
        raise BadInput(_("kind must be one of %(known)s.", known=", ".join(PAIR_KINDS)))
    part = exports.find_part(campaign_id, relation, grant.audience)
    total = part.count_pairs(kind)
    shown = [dict(pair) for pair in part.pairs(kind, size=size, first=size * (number - 1))]
    return {"items": shown, "total": total, "page": number, "pages": count_pages(total, size)}


def _rows(found: exports.PageOfRows) -> Document:
    shown: Iterable[Document] = [_named(row) for row in found.rows]
    return {"items": shown, "total": found.total, "page": found.page, "pages": found.pages}


def _named(row: Row) -> dict[str, Any]:
    return {"name": row.name, **row.record}


@blueprint.get("/openapi.json")
def description() -> Response:
    """Describe the interface in OpenAPI 3.1; no token is needed."""
    server = current_app.config["WUPING"].public_base_url
    return _fresh(None, lambda: describe(server, version=__version__))


@blueprint.route("/", defaults={"rest": ""}, methods=METHODS)
@blueprint.route("/<path:rest>", methods=METHODS)
def nothing(rest: str) -> Response:
    """Say that there is nothing at an address, or that only GET is answered."""
    if request.method != "GET":
        return _problem(405, _("This interface only reads: use GET."), {"Allow": "GET"})
    raise NotFound(_("There is nothing at this address; /api/v1/openapi.json describes all."))


@blueprint.errorhandler(SurveyError)
def refused(error: SurveyError) -> Response:
    """Answer a refusal with its sentence."""
    more = {"WWW-Authenticate": "Bearer"} if error.status == 401 else {}
    more |= {"Retry-After": "60"} if isinstance(error, TooMany) or error.status == 503 else {}
    return _problem(error.status, error.sentence(_), more)


@blueprint.errorhandler(HTTPException)
def http_error(error: HTTPException) -> Response:
    """Answer what the server itself refuses."""
    return _problem(error.code or 500, str(error.description or error.name))


@blueprint.errorhandler(Exception)
def unexpected(error: Exception) -> Response:
    """Answer a fault of this program without saying more than that."""
    current_app.logger.exception("unexpected error on %s", request.endpoint)
    return _problem(500, _("Something went wrong on our side. Please try again."))


def _problem(status: int, sentence: str, headers: Mapping[str, str] = MappingProxyType({})) -> Response:
    about = {"type": "about:blank", "title": HTTP_STATUS_CODES.get(status, "Error"), "status": status}
    body = json.dumps({**about, "detail": sentence}, ensure_ascii=False)
    response = Response(body, status=status, mimetype="application/problem+json")
    for name, value in headers.items():
        response.headers[name] = value
    return response
