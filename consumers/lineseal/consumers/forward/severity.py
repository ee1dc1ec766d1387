"""One severity, and what each format calls it.

Source: OCSF 1.8.0 ``severity_id``; CEF 27; RFC 5424 6.2.1; OpenTelemetry log data model. The
numbers for ECS risk and OTLP are our choice: no specification maps them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Severity:
    """Hold one step of the scale in every format's words."""

    name: str
    ocsf: int
    caption: str
    risk: int
    cef: int
    syslog: int
    otlp: int


_SCALE = (
    Severity(name="info", ocsf=1, caption="Informational", risk=10, cef=1, syslog=6, otlp=9),
    Severity(name="low", ocsf=2, caption="Low", risk=21, cef=3, syslog=5, otlp=10),
    Severity(name="medium", ocsf=3, caption="Medium", risk=47, cef=5, syslog=4, otlp=13),
    Severity(name="high", ocsf=4, caption="High", risk=73, cef=8, syslog=3, otlp=17),
    Severity(name="critical", ocsf=5, caption="Critical", risk=99, cef=10, syslog=2, otlp=21),
)
_BY_NAME = {severity.name: severity for severity in _SCALE}
_BY_OCSF = {severity.ocsf: severity for severity in _SCALE}
INFO = _BY_NAME["info"]
LOW = _BY_NAME["low"]
MEDIUM = _BY_NAME["medium"]
HIGH = _BY_NAME["high"]
CRITICAL = _BY_NAME["critical"]


def severity_named(name: str) -> Severity:
    """Return the severity a rule names; an unknown name counts as high, so that it is seen."""
    return _BY_NAME.get(name, HIGH)


def severity_of(severity_id: int) -> Severity:
    """Return the severity of a document by its OCSF number."""
    return _BY_OCSF.get(severity_id, HIGH)
