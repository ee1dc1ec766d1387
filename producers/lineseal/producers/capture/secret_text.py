r"""Takes secrets out of free text and out of identifiers.

Three ways to know one: its own form (``_TOKENS``), the name before it (``key=value``,
``"key": "value"``, ``--key value``), and where it stands (login of a URI, signed query).
Every pattern is linear in the text, since a job's thread runs it: nothing that can fail late may
start at every character, so repetition is bounded, or its start is looked behind.
"""

from __future__ import annotations

import re

from lineseal.producers.capture.programs import redact_programs
from lineseal.producers.capture.secret_keys import is_secret, is_secret_key

REDACTED = "[redacted]"

_ALONE = r"(?<![A-Za-z0-9])"
_TOKENS = re.compile(
    _ALONE + r"(?:(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])"
    r"|(?<![\w-])eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{4,}"
    r"|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|gl(?:pat|ptt|dt|rt)-[\w-]{20,}"
    r"|hf_[A-Za-z0-9]{20,}|xox[abeoprs]-[\w-]{10,}|xapp-[\w-]{10,}"
    r"|sk-[\w-]{20,}|(?:sk|rk)_(?:live|test)_\w{10,}|whsec_\w{16,}"
    r"|AIza[\w-]{35}|ya29\.[\w-]{20,}|pypi-[\w-]{40,}|npm_[A-Za-z0-9]{30,}"
    r"|hv[sbr]\.[\w-]{20,}|gsk_[A-Za-z0-9]{20,}|nvapi-[\w-]{20,}|r8_[A-Za-z0-9]{20,}"
    r"|dapi[0-9a-f]{32}|do[opr]_v1_[0-9a-f]{40,}|dckr_pat_[\w-]{20,}|shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}"
    r"|SG\.[\w-]{16,64}\.[\w-]{16,64}|ATATT3[\w=-]{20,}|AGE-SECRET-KEY-1[0-9A-Za-z]{40,})"
)
_PEM = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,10}-----.*?(?:-----END [^-]{0,60}-----|\Z)",
    re.DOTALL,
)
_WITH_PREFIX = (
    re.compile(
        r"""(?i)(\bauthorization\\{0,7}["']?\s{0,8}[:=]\s{0,8}\\{0,7}["']?"""
        r"""(?:basic|bearer|digest|negotiate|token|sharedkey|apikey|aws4-hmac-sha256)\s{1,8})"""
        r"""[^\s"',;\\]+"""
    ),
    re.compile(r"(?i)\b((?:bearer|basic)\s{1,8})(?=[^\s\d]{0,200}\d)[\w.~+/-]{16,}={0,4}"),
    re.compile(r"(?i)\b(SharedAccessSignature[\s=]{1,8})(?=s[a-z]{1,2}=)[^\s'\";]+"),
    re.compile(r"(?<![\w.-])(sig=)[\w%+/=.-]{20,}"),
    re.compile(r"(?i)\b(jdbc:oracle:\w{2,8}:)[^@\s]{1,200}(?=@)"),
    re.compile(r"(?<!\S)((?:-u|--user|--proxy-user)[\s=]{1,8})(?!\d+:\d+(?!\S))[^\s:]{1,200}:\S+"),
)
_URI_LOGIN = re.compile(
    r"""(?P<scheme>(?:(?<![\w+.-])[A-Za-z][A-Za-z0-9+.-]{0,30}:)?)//(?P<login>[^\s/?#'"<>]+)@"""
)
_SIGNED_QUERY = re.compile(
    r"""(?i)([?&;](?:sig|signature|x-(?:amz|goog)-(?:credential|security-token|signature))=)"""
    r"""[^&\s#'"]+"""
)
_CODE_QUERY = re.compile(r"""(?i)([?&](?:code|sas)=)[\w%.~/+=-]{16,}""")
_WEBHOOK = re.compile(
    r"(?i)(//(?:hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/"
    r"|(?:[\w-]{1,40}\.)?discord(?:app)?\.com/api/webhooks/"
    r"|[\w-]{1,60}\.webhook\.office\.com/|api\.telegram\.org/bot))[^\s'\"<>?#]+"
)
_NAMED = re.compile(r"""(?<![\w.-])(?P<key>[\w.-]{1,128})(?:\\{0,7}["'])?\s{0,8}[=:]\s{0,8}""")
_OPTION = re.compile(r"(?<![\w.-])(?P<key>--?[A-Za-z][\w.-]{0,127})\s{1,8}(?!-)")
_QUOTE = re.compile(r"""(\\{0,7})(["'])""")
_BARE = re.compile(r"""[^\s"'&;]+""")
_HINT = re.compile(
    r"[=:]|//|(?<!\S)-|BEGIN|A(?:KIA|SIA|BIA|CCA|Iza|TATT)|eyJ|_|xox|xapp|sk-|pat-|[Bb]earer|[Bb]asic"
    r"|hv[sbr]\.|ya29|dapi|SG\.|AGE-|pypi-|nvapi|BEARER|gl[a-z]{2,3}-|SharedAccess"
)


def redact_text(text: str) -> str:
    """Return free text without what the patterns know to be secrets."""
    if not _HINT.search(text):
        return text
    text = _PEM.sub(REDACTED, text)
    for pattern in _WITH_PREFIX:
        text = pattern.sub(rf"\1{REDACTED}", text)
    text = redact_identifier(_TOKENS.sub(REDACTED, text))
    text = _without_values(_without_values(text, _OPTION), _NAMED)
    return redact_programs(text)


def redact_identifier(text: str) -> str:
    """Return an identifier without passwords and secret query parameters of URIs."""
    if "//" not in text:
        return text
    text = _URI_LOGIN.sub(_without_login, text)
    text = _WEBHOOK.sub(rf"\1{REDACTED}", text)
    if "?" not in text:
        return text
    text = _SIGNED_QUERY.sub(rf"\1{REDACTED}", text)
    return _without_values(_CODE_QUERY.sub(rf"\1{REDACTED}", text), _NAMED)


def end_of_secret_name(text: str) -> int | None:
    """Return where the value begins when *text* begins ``NAME=`` or ``A=NAME:`` of a secret."""
    at = 0
    while (head := _NAMED.match(text, at)) is not None:
        if is_secret(head["key"], text[head.end() : head.end() + 16]):
            return head.end()
        at = head.end()
    return None


def _without_values(text: str, names: re.Pattern[str]) -> str:
    """Replace the value after each match of *names* whose key says that it is a secret."""
    shown: list[str] = []
    done = 0
    for head in names.finditer(text):
        if head.start() < done or not is_secret_key(head["key"]):
            continue
        start, end = _value_after(text, head.end())
        value = text[start:end]
        if value and value != REDACTED and is_secret(head["key"], value):
            shown += [text[done:start], REDACTED]
            done = end
    return "".join([*shown, text[done:]])


def _value_after(text: str, at: int) -> tuple[int, int]:
    """Return where the value at *at* starts and ends, without its quotes.

    A quote may itself be escaped, in JSON within JSON: the value then ends at a quote that is
    escaped no deeper. One that is never closed was cut, and reaches to the end.
    """
    quote = _QUOTE.match(text, at)
    if quote is None:
        bare = _BARE.match(text, at)
        return (at, at) if bare is None else bare.span()
    depth, mark, start = len(quote[1]), quote[2], quote.end()
    at = start
    while (at := text.find(mark, at)) >= 0:
        before = at
        while before > start and text[before - 1] == "\\":
            before -= 1
        slashes = at - before
        if slashes <= depth if depth else slashes % 2 == 0:
            return start, before if depth else at
        at += 1
    return start, len(text)


def _without_login(match: re.Match[str]) -> str:
    # A lone user is no secret, except that https takes a token in its place.
    if ":" in match["login"] or match["scheme"].lower() in {"http:", "https:"}:
        return f"{match['scheme']}//{REDACTED}@"
    return match[0]
