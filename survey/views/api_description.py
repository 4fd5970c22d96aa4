"""The read interface in OpenAPI 3.1, made from one table of its addresses; a test holds it against the real answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Schema = dict[str, Any]
_PAGE = ("page", "size")
_WHERE = ("campaign_id",)
_IN = (*_WHERE, "relation")


@dataclass(frozen=True, kw_only=True)
class Address:
    """An address: its path, what it returns (a component schema, `many` for a page of them), what may be asked."""

    path: str
    name: str
    summary: str
    schema: str
    many: bool = False
    parameters: tuple[str, ...] = ()
    more: tuple[str, ...] = ()


_EVALUATION = "/campaigns/{campaign_id}/evaluations/{relation}"
ADDRESSES = (
    Address(
        path="/campaigns",
        name="campaigns",
        summary="Campaigns with released results, newest first",
        schema="Campaign",
        many=True,
        parameters=_PAGE,
    ),
    Address(
        path="/campaigns/{campaign_id}",
        name="campaign",
        summary="One campaign",
        schema="Campaign",
        parameters=_WHERE,
    ),
    Address(
        path="/campaigns/{campaign_id}/publication",
        name="publication",
        summary="What is published of a campaign; also for tokens of the public view",
        schema="Publication",
        parameters=_WHERE,
    ),
    Address(
        path="/campaigns/{campaign_id}/evaluations",
        name="evaluations",
        summary="The evaluations of a campaign, each as a whole",
        schema="Evaluation",
        many=True,
        parameters=(*_WHERE, *_PAGE),
    ),
    Address(
        path=_EVALUATION, name="evaluation", summary="One evaluation as a whole", schema="Evaluation", parameters=_IN
    ),
    Address(
        path=f"{_EVALUATION}/items",
        name="items",
        summary="Items with their wordings, and the levels of the scale from the best down",
        schema="Item",
        many=True,
        parameters=(*_IN, *_PAGE),
        more=("levels",),
    ),
    Address(
        path=f"{_EVALUATION}/units",
        name="units",
        summary="Units: schools, school districts or the bureau",
        schema="Unit",
        many=True,
        parameters=(*_IN, *_PAGE),
    ),
    Address(
        path=f"{_EVALUATION}/units/{{code}}",
        name="unit",
        summary="One unit",
        schema="Unit",
        parameters=(*_IN, "code"),
    ),
    Address(
        path=f"{_EVALUATION}/targets",
        name="targets",
        summary="Targets with their items",
        schema="Target",
        many=True,
        parameters=(*_IN, "unit", "search", *_PAGE),
    ),
    Address(
        path=f"{_EVALUATION}/targets/{{code}}",
        name="target",
        summary="One target with its items",
        schema="Target",
        parameters=(*_IN, "code"),
    ),
    Address(
        path=f"{_EVALUATION}/pairs",
        name="pairs",
        summary="Compared pairs of units, or of targets on one ballot (bureau's view only)",
        schema="Pair",
        many=True,
        parameters=(*_IN, "kind", *_PAGE),
    ),
)
RELATIONS = ("student_teacher", "teacher_principal", "principal_department", "parent_school", "public_education")
_TEXT: Schema = {"type": "string"}
_WHOLE: Schema = {"type": "integer"}
_NUMBER: Schema = {"type": ["number", "null"]}
_COUNT: Schema = {"type": ["integer", "null"], "minimum": 0}
_ENDS: Schema = {"type": ["array", "null"], "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
_CODE: Schema = {"type": ["string", "null"]}
_OBJECT: Schema = {"type": ["object", "null"]}
_WITHHELD: Schema = {"type": ["string", "null"], "description": "Why figures are withheld; null where they are shown."}
_WORDING: Schema = {"type": ["object", "null"], "properties": {"zh": _TEXT, "en": _TEXT}}
PARAMETERS: dict[str, Schema] = {
    "campaign_id": {"in": "path", "schema": _WHOLE, "description": "Id of a campaign"},
    "relation": {"in": "path", "schema": {"type": "string", "enum": list(RELATIONS)}, "description": "Who rates whom"},
    "code": {"in": "path", "schema": _TEXT, "description": "Code of the roster"},
    "page": {"in": "query", "schema": {"type": "integer", "minimum": 1, "default": 1}, "description": "From 1"},
    "size": {
        "in": "query",
        "schema": {"type": "integer", "minimum": 1, "maximum": 100, "default": 100},
        "description": "Rows a page",
    },
    "unit": {"in": "query", "schema": _TEXT, "description": "Only targets of this unit"},
    "search": {"in": "query", "schema": _TEXT, "description": "Part of a name, or the start of a code"},
    "kind": {
        "in": "query",
        "schema": {"type": "string", "enum": ["comparison", "paired"], "default": "comparison"},
        "description": "Of units, or of targets on one ballot",
    },
}


def _record(properties: Mapping[str, Schema], *, description: str = "", required: tuple[str, ...] = ()) -> Schema:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(required or properties),
        "description": description,
    }


_ITEM_FIGURES = {
    "n": {**_COUNT, "description": "All answers, no opinion included."},
    "counts": {**_OBJECT, "description": "Answers by level, 0 for no opinion; null outside the bureau."},
    "score": _NUMBER,
    "score_ci": _ENDS,
    "mean": _NUMBER,
    "satisfied_rate": _NUMBER,
    "satisfied_ci": _ENDS,
}
SCHEMAS: dict[str, Schema] = {
    "Problem": _record(
        {"type": _TEXT, "title": _TEXT, "status": _WHOLE, "detail": _TEXT},
        description="A refusal (RFC 9457); `detail` is a sentence for a person.",
    ),
    "Campaign": _record(
        {
            "id": _WHOLE,
            "name": _TEXT,
            "year": _WHOLE,
            "state": {"type": "string", "enum": ["released", "archived"]},
            "version": {**_WHOLE, "description": "Of the release; a correction has the next one."},
            "first_day": {"type": "string", "format": "date"},
            "last_day": {"type": "string", "format": "date"},
            "relations": {"type": "array", "items": {"type": "string", "enum": list(RELATIONS)}},
        },
        description="A campaign; tokens of the public view see id, name and year.",
        required=("id", "name", "year"),
    ),
    "Publication": _record(
        {"campaign": _WHOLE, "published_at": _TEXT, "document": {"type": "object"}},
        description="The outsiders' view of a campaign, as it is on the public page.",
    ),
    "Evaluation": _record(
        {
            "relation": _TEXT,
            "questionnaire": _record({"id": _TEXT, "version": _WHOLE}),
            "scheme": _record({"id": _TEXT, "points": {"type": "object"}, "satisfied": {"type": "array"}}),
            "items": {"type": "array", "items": _TEXT},
            "counts": _record({"targets": _WHOLE, "units": _WHOLE}),
            "overall": _OBJECT,
            "comparison": _OBJECT,
            "paired": _OBJECT,
            "reliability": _OBJECT,
            "scale_quality": _OBJECT,
        },
        description="An evaluation without its rows. What it says as a whole is null outside the bureau.",
    ),
    "Item": _record({"code": _TEXT, "dimension": _WORDING, "text": _WORDING}),
    "Level": _record({"value": _WHOLE, "text": _WORDING}),
    "Unit": _record(
        {
            "unit": _TEXT,
            "name": _TEXT,
            "level": {"type": "string", "enum": ["school", "district", "bureau"]},
            "targets": _COUNT,
            "ballots": _COUNT,
            "withheld": _WITHHELD,
            "score": _NUMBER,
            "score_ci": _ENDS,
            "mean": _NUMBER,
        },
        description="A unit: the mean of its targets.",
    ),
    "TargetItem": _record(_ITEM_FIGURES, description="An item of a target; figures are null below the floor."),
    "Target": _record(
        {
            "target": _TEXT,
            "name": _TEXT,
            "unit": _CODE,
            "issued": _COUNT,
            "ballots": _COUNT,
            "valid": _COUNT,
            "response_rate": _NUMBER,
            "flagged": _COUNT,
            "withheld": _WITHHELD,
            "score": _NUMBER,
            "score_ci": _ENDS,
            "score_ci_roster": _ENDS,
            "score_ci_class": _ENDS,
            "mean": _NUMBER,
            "reliability": _NUMBER,
            "band": _CODE,
            "verdict": _CODE,
            "items": {"type": "object", "additionalProperties": {"$ref": "#/components/schemas/TargetItem"}},
        },
        description="A target; a withheld one has null figures and no items.",
    ),
    "Pair": _record(
        {
            "a": _TEXT,
            "b": _TEXT,
            "difference": _NUMBER,
            "difference_points": _NUMBER,
            "ci": _ENDS,
            "p": _NUMBER,
            "p_adjusted": _NUMBER,
            "flag": {"type": "boolean"},
        },
        description="A compared pair; `b` is * for all other units. `difference` and `ci` are in levels.",
    ),
}
_REFUSALS = {
    "401": "No token, or one that does not hold",
    "403": "The token is of another view",
    "404": "No such thing, or not within the token's limits",
    "422": "A parameter is wrong",
    "429": "Too often",
}


def describe(server: str, *, version: str) -> Schema:
    """Return the document; server: the public address of the instance."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "五评 read interface",
            "version": version,
            "description": "Released results, read only. Figures, floors and what is withheld are those of the pages.",
        },
        "servers": [{"url": f"{server}/api/v1"}],
        "security": [{"token": []}],
        "paths": {address.path: {"get": _operation(address)} for address in ADDRESSES} | {"/openapi.json": _own()},
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": SCHEMAS,
        },
    }


def _operation(address: Address) -> Schema:
    refusals = {status: _answer(text, "Problem", kind="application/problem+json") for status, text in _REFUSALS.items()}
    return {
        "operationId": address.name,
        "summary": address.summary,
        "parameters": [_parameter(name) for name in address.parameters],
        "responses": {
            "200": _page(address) if address.many else _answer(address.summary, address.schema),
            "304": {"description": "The release is the one of If-None-Match"},
            **refusals,
        },
    }


def _parameter(name: str) -> Schema:
    about = PARAMETERS[name]
    return {"name": name, "required": about["in"] == "path", **about}


def _answer(text: str, schema: str, *, kind: str = "application/json") -> Schema:
    return {"description": text, "content": {kind: {"schema": {"$ref": f"#/components/schemas/{schema}"}}}}


def _page(address: Address) -> Schema:
    rows = {"type": "array", "maxItems": 100, "items": {"$ref": f"#/components/schemas/{address.schema}"}}
    properties: dict[str, Schema] = {"items": rows, "total": _WHOLE, "page": _WHOLE, "pages": _WHOLE}
    if "levels" in address.more:
        properties["levels"] = {"type": "array", "items": {"$ref": "#/components/schemas/Level"}}
    return {"description": address.summary, "content": {"application/json": {"schema": _record(properties)}}}


def _own() -> Schema:
    answer = {"description": "OpenAPI 3.1", "content": {"application/json": {"schema": {"type": "object"}}}}
    return {
        "get": {
            "operationId": "description",
            "summary": "This description",
            "security": [],
            "responses": {"200": answer},
        }
    }
