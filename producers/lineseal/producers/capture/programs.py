"""Knows the programs whose short options carry passwords, such as ``mysql -pSECRET``.

What ``-p`` means depends on the program: a port for ``docker run``, a password for ``docker
login``. Where the program is not known, a short option is left alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import Final

_REDACTED = "[redacted]"
_REST = r"[^\n;|&]*"


@dataclass(frozen=True, slots=True)
class Rule:
    """Say which option of which programs is a password.

    Attributes:
        programs: Pattern of the program's file name.
        option: The option.
        attached: Whether the password may be glued to it.
        apart: Whether it may be the next argument.
        verb: A word that must come first (``docker login``), or None.

    """

    programs: str
    option: str
    attached: bool = True
    apart: bool = True
    verb: str | None = None


RULES: Final = (
    Rule(r"(?:mysql|mariadb)[\w-]{0,20}", "-p", apart=False),
    Rule(r"sshpass", "-p"),
    Rule(r"redis-cli", "-a"),
    Rule(r"ldap(?:search|modify|add|delete|whoami|passwd|compare)", "-w"),
    Rule(r"mongo(?:sh|dump|restore|export|import)?", "-p"),
    Rule(r"sqlcmd|bcp|zip|unzip", "-P"),
    Rule(r"7z[ar]?", "-p", apart=False),
    Rule(r"curl", "-u"),
    Rule(r"docker|podman|buildah|nerdctl|skopeo|oras|crane|helm", "-p", verb="login"),
    Rule(r"az", "-p", verb="login"),
    Rule(r"twine", "-p", verb="upload"),
)

_NAMES = tuple((re.compile(rule.programs), rule) for rule in RULES)
_LINES = tuple(
    (
        re.compile(
            rf"(?<![\w.-])(?:{rule.programs})\s"
            + (rf"[^\n;|&]{{0,200}}?(?<!\S){rule.verb}(?!\S)" if rule.verb else "")
            + _REST
        ),
        re.compile(
            rf"(?<!\S)({rule.option}"
            + (r"\s{0,8}" if rule.attached and rule.apart else r"" if rule.attached else r"\s{1,8}")
            + r""")(?!-|\[redacted\])(?:"[^"\n]*"|'[^'\n]*'|[^\s"']+)"""
        ),
    )
    for rule in RULES
)
_ANY = re.compile(
    rf"(?<![\w.-])(?:{'|'.join(rule.programs for rule in RULES)})\s",
)


def rules_of(argument: str) -> tuple[Rule, ...]:
    """Return what applies once *argument* was seen as the program of a command line."""
    name = argument.rpartition("/")[2]
    return tuple(rule for pattern, rule in _NAMES if pattern.fullmatch(name))


def redact_programs(text: str) -> str:
    """Return *text* without the passwords of the command lines of known programs in it."""
    if _ANY.search(text) is None:
        return text
    for line, option in _LINES:
        text = line.sub(partial(_without_password, option), text)
    return text


def _without_password(option: re.Pattern[str], match: re.Match[str]) -> str:
    return option.sub(rf"\1{_REDACTED}", match[0])
