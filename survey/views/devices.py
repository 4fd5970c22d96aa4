"""What a respondent's device keeps: the size of type, and that a class shares it; neither names a person."""

from flask import Response, current_app, request

from survey.views.replies import Reply

BIG = "big"
BIG_SECONDS = 31_536_000
SHARED = "shared"
# One school day; whoever opened it by mistake is rid of it tomorrow.
SHARED_SECONDS = 43_200


def is_big() -> bool:
    """Tell whether this request wants large type (大字版): as the address says, else as the cookie does."""
    return _wants(BIG)


def is_shared() -> bool:
    """Tell whether this device is handed on from one respondent to the next (公用设备)."""
    return _wants(SHARED)


def _wants(name: str) -> bool:
    wanted = request.args if request.query_string and name in request.args else request.cookies
    return name in wanted and wanted[name] == "1"


def with_choices(response: Response) -> Response:
    """Add the cookies of what this request's address chose; nearly all choose nothing."""
    if not request.query_string:
        return response
    for name, seconds in ((BIG, BIG_SECONDS), (SHARED, SHARED_SECONDS)):
        if request.args.get(name) in ("0", "1"):
            response = response.plain() if isinstance(response, Reply) else response
            _keep(response, name, seconds=seconds if request.args[name] == "1" or name == BIG else 0)
    return response


def _keep(response: Response, name: str, *, seconds: int) -> None:
    secure = current_app.config["WUPING"].https
    response.set_cookie(name, request.args[name], max_age=seconds, secure=secure, samesite="Lax")


def left_clean(response: Response, *, bridge: str, folder: str) -> Response:
    """Delete what the respondent before left on a shared device: the bridging cookie, and the size of type.

    Without this a reload or the back button could show the page of whoever sat here before.
    """
    if not is_shared():
        return response
    response = response.plain() if isinstance(response, Reply) else response
    if bridge in request.cookies:
        response.delete_cookie(bridge, path=folder, httponly=True, samesite="Lax")
    if BIG in request.cookies and BIG not in request.args and request.path.lower() == folder:
        response.delete_cookie(BIG, samesite="Lax")
    return response
