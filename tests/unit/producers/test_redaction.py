"""Secrets in their less usual spellings are not signed either.

What is promised: short names (``pass``, ``auth``), options of known programs, signed links,
webhooks and the tokens of common services lose their value; an element of a command line with a
secret name loses everything after its name, spaces and quotes included; quotes escaped in JSON do
not end a value. What only looks similar stays. Source: DESIGN 5 (capture).

Evidence: examples both ways for each rule, properties over their mixtures, and the exact result
for long hostile texts, on which a quadratic pattern would run into the limit of the test run.
"""

from __future__ import annotations

import base64
import json
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineseal.producers.capture.redact import (
    REDACTED,
    is_secret_key,
    redact_command,
    redact_identifier,
    redact_record,
    redact_text,
)
from lineseal.schemas.model import Pair
from lineseal.schemas.record import to_record

LONG = "AbCdEfGh1JkLmNoPqRsTuVwXyZ0123456789"
HEX = "0123456789abcdef" * 4

SHORT_KEYS = ["pass", "PGPASS", "mysql_pass", "dbPass", "pw", "sas", "pat", "jwt", "otp", "auth"]
ORDINARY_KEYS = [
    *("pass_rate", "forward_pass", "rows_pass", "pass@1", "bypass", "path", "pattern", "file_pat"),
    *(
        "auth_type",
        "auth_url",
        "author",
        "jwt_header",
        "otp_length",
        "sas7bdat",
        "power",
        "patience",
    ),
]

SECRET_TEXTS = [
    ("mysql_pass=hunter2 x", "hunter2", " x"),
    ("smtp.pw: hunter2\nport: 25", "hunter2", "port: 25"),
    ("pass: hunter2", "hunter2", "pass: "),
    ('{"auth": "a b hunter2", "lr": 1}', "hunter2", '"lr": 1'),
    ("author: token=hunter2 x", "hunter2", "author: token="),
    ("train.py --pass hunter2 --lr 1", "hunter2", "--lr 1"),
    ("train.py --auth hunter2 --lr 1", "hunter2", "--lr 1"),
    ("train.py -password hunter2 -lr 1", "hunter2", "-lr 1"),
    ("train.py --password \\\n  hunter2 --lr 1", "hunter2", "--lr 1"),
    ("mysql -h db -phunter2 lake", "hunter2", "-h db"),
    ("/usr/bin/mysqldump -u me -p'hunter 2' lake", "hunter 2", "lake"),
    ("mariadb -phunter2", "hunter2", "mariadb -p"),
    ("docker login -u me -p hunter2 ghcr.io", "hunter2", "ghcr.io"),
    ("podman login -phunter2 quay.io", "hunter2", "quay.io"),
    ("sshpass -p hunter2 ssh host", "hunter2", "ssh host"),
    ("curl -u 'alice:hunter 2' https://h", "hunter 2", "https://h"),
    ("curl -s -ualice:hunter2 https://h", "hunter2", "https://h"),
    ("curl --proxy-user alice:hunter2 https://h", "hunter2", "https://h"),
    ("openssl rsa -passin pass:hunter2 -in k.pem", "hunter2", "-in k.pem"),
    ("SharedAccessSignature=sv=2024&ss=b&sig=hunter2;Blob=x", "hunter2", ";Blob=x"),
    ("SharedAccessSignature sr=hub&sig=hunter2&se=1", "hunter2", "SharedAccessSignature "),
    ("https://h/c?sig=hunter2&sv=2024", "hunter2", "&sv=2024"),
    ("https://f.example/api/run?code=hunter2xyz&x=1", "hunter2", "&x=1"),
    ("https://hooks.slack.com/services/T0/B0/hunter2 failed", "hunter2", "hooks.slack.com"),
    ("got 401 for Basic dXNlcjpwYXNz here", "dXNlcjpwYXNz", "here"),
    ("Cookie: a=b; session=hunter2\nHost: h", "hunter2", "Host: h"),
    ('{"password": "a\\"hunter2", "lr": 1}', "hunter2", '"lr": 1'),
    (json.dumps(json.dumps({"password": 'a"hunter2', "lr": 1})), "hunter2", '\\"lr\\": 1'),
    ('config["password"] = "hunter2"; x = 1', "hunter2", "x = 1"),
    ("Login(password=b'a hunter2', lr=1)", "hunter2", "lr=1"),
    ("PASSWORD=it's_hunter2 x", "hunter2", " x"),
    ("PASSWORD=a\\ hunter2 x", "hunter2", " x"),
    ('password="a hunter2', "hunter2", "password="),
    ('password="a hunter2\\', "hunter2", "password="),
    *(
        (f"use {token} here", token[-12:], " here")
        for token in (
            *(f"npm_{LONG}", f"sk_live_{LONG}", f"rk_live_{LONG}", f"hvs.{LONG}", f"gsk_{LONG}"),
            *(f"nvapi-{LONG}", f"dapi{HEX[:32]}", f"dop_v1_{HEX}", f"SG.{LONG[:22]}.{LONG}"),
            *(f"ya29.a0{LONG}", f"xapp-1-A0-{LONG}", f"r8_{LONG}"),
            *(f"AGE-SECRET-KEY-1{LONG.upper()}", f"id-eyJhbGciOiJI.{LONG}.{LONG}"),
        )
    ),
]
ORDINARY_TEXTS = [
    *("pass=true", "auth: none", "all tests pass: 12", "pass: see the log", "auth=kerberos x"),
    *("ffmpeg -pass 2 x", "ghcr.io/org/auth:edge", "ghcr.io/org/auth:v1.2", "jwt: expired at noon"),
    *("path=a.csv pattern=x", "forward_pass=slow", "pass_rate=0.98", "author: alice", "bypass=all"),
    *("mysql -p lake", "mysql -P3306 -h db", "mkdir -p a/b", "docker run --name mysql -p80:80 x"),
    *("docker run -p 80:80 login", "docker login --password-stdin ghcr.io", "ssh login -p 22"),
    *(
        "git push -u origin main",
        "curl -u alice https://h:80",
        "java -url=jdbc:h2:mem",
        "sort -u a",
    ),
    *("openssl rsa -passin env:NAME", "SharedAccessSignature expired", "x?code=404&lang=de"),
    *(
        "https://h/x?code=en-GB",
        "https://slack.com/services/T0",
        "Basic understanding",
        "a basic test",
    ),
    *("Basic JavaScript", "npm_config_registry", "sk_live_x", "hvs.x", "gsk_small", "nvapi-doc"),
    *("dapi0123", "dop_v1_x", "SG.a.b", "ya29", "xapp-x", "r8_quantised", "AGE-SECRET-KEY-"),
    *("eyJ.a.b", "keyJson.load.now", "it's a token"),
]


@pytest.mark.parametrize("key", SHORT_KEYS)
def test_a_short_name_of_a_secret_is_known(key: str) -> None:
    """At the end of a key, however it is spelt; the parameter loses its value."""
    shown = redact_record(Pair, to_record(Pair(key=key, value="hunter two")))

    assert is_secret_key(key)
    assert shown["value"] == REDACTED


@pytest.mark.parametrize("key", ORDINARY_KEYS)
def test_a_key_that_only_holds_a_short_name_is_not(key: str) -> None:
    """Steps, patterns, and what says something about a login."""
    assert not is_secret_key(key)


@pytest.mark.parametrize("value", ["true", "none", "kerberos", "0.98", "12", "ok"])
def test_a_plain_value_of_a_short_name_stays(value: str) -> None:
    """``auth=none`` is a fact; a password that reads ``true`` still goes."""
    short = redact_record(Pair, to_record(Pair(key="auth", value=value)))
    full = redact_record(Pair, to_record(Pair(key="password", value=value)))

    assert (short["value"], full["value"]) == (value, REDACTED)


@pytest.mark.parametrize(("text", "secret", "rest"), SECRET_TEXTS)
def test_text_loses_its_secret_and_keeps_the_rest(text: str, secret: str, rest: str) -> None:
    """The reader still sees that there was something, and all around it."""
    shown = redact_text(text)

    assert secret not in shown
    assert REDACTED in shown
    assert rest in shown


@pytest.mark.parametrize("text", ORDINARY_TEXTS)
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    """Not one character changes."""
    assert redact_text(text) == text


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["t", "--password=a b SECRET"], ["t", f"--password={REDACTED}"]),
        (["env", "PASSWORD=it's SECRET", "t"], ["env", f"PASSWORD={REDACTED}", "t"]),
        (["t", "--env=DB_PASS=it's SECRET"], ["t", f"--env=DB_PASS={REDACTED}"]),
        (["t", "--set", "a=1,b.token=x SECRET"], ["t", "--set", f"a=1,b.token={REDACTED}"]),
        (["t", "-passin", "pass:it's SECRET"], ["t", "-passin", f"pass:{REDACTED}"]),
        (["t", "--pass", "it's SECRET", "x"], ["t", "--pass", REDACTED, "x"]),
        (["t", "--auth", "--SECRET", "x"], ["t", "--auth", REDACTED, "x"]),
        (["curl", "-u", "me:it's SECRET", "x"], ["curl", "-u", REDACTED, "x"]),
        (["curl", "--user=me:it's SECRET"], ["curl", f"--user={REDACTED}"]),
        (["/bin/mysql", "-h", "db", "-pit's SECRET"], ["/bin/mysql", "-h", "db", f"-p{REDACTED}"]),
        (["docker", "login", "-p", "SECRET", "h"], ["docker", "login", "-p", REDACTED, "h"]),
        (["t", '{"password": "a\\"SECRET"}'], ["t", f'{{"password": "{REDACTED}"}}']),
    ],
)
def test_an_element_loses_its_secret_to_its_end(arguments: list[str], expected: list[str]) -> None:
    """Neither a space nor a quote ends a value that is an element of its own."""
    assert shlex.split(redact_command(arguments)) == expected


@pytest.mark.parametrize(
    "command",
    [
        "ffmpeg -pass 2 -i a.mp4",
        "docker run -u 1000:1000 -p 80:80 mysql",
        "t --message 'pass: see the log' --auth none --forward_pass=slow",
        "mkdir -p a/b",
        "mysql -p lake",
    ],
)
def test_an_ordinary_command_stays_as_it_is(command: str) -> None:
    """Not one character changes."""
    assert redact_command(shlex.split(command)) == command


@pytest.mark.parametrize(
    ("identifier", "expected"),
    [
        ("https://h/c?sig=abc&v=2", f"https://h/c?sig={REDACTED}&v=2"),
        ("https://hooks.slack.com/services/T/B/x", f"https://hooks.slack.com/services/{REDACTED}"),
        ("jdbc:sqlserver://h;password=x", f"jdbc:sqlserver://h;password={REDACTED}"),
        ("https://h/auth:edge?v=2", "https://h/auth:edge?v=2"),
        (f"https://h/npm_{LONG}", f"https://h/npm_{LONG}"),
    ],
)
def test_identifiers_lose_what_opens_their_address(identifier: str, expected: str) -> None:
    """They are compared, so nothing else in them may change."""
    assert redact_identifier(identifier) == expected


@given(
    st.lists(st.sampled_from([t for t, *_ in SECRET_TEXTS] + ORDINARY_TEXTS), max_size=6).map(
        "\n".join
    )
)
def test_redacting_twice_is_redacting_once(text: str) -> None:
    """What was replaced is not replaced again."""
    once = redact_text(text)

    assert redact_text(once) == once


@given(st.text(st.sampled_from("it's \"\\=;&\n-"), max_size=20))
def test_no_value_of_an_element_can_show_its_end(filler: str) -> None:
    """Whatever stands before it."""
    for name in ("--password=", "PASSWORD=", "--header=token=", "pass:x"):
        assert "SECRET" not in redact_command(["train", f"{name}{filler}SECRET"])


@given(st.text(min_size=1, max_size=30), st.integers(0, 2))
def test_no_value_in_json_can_show_its_end(value: str, depth: int) -> None:
    """However often the JSON is put in JSON."""
    text = json.dumps({"password": f"{value}SECRET", "lr": 1})
    for _ in range(depth):
        text = json.dumps(text)

    assert "SECRET" not in redact_text(text)


@given(st.text(min_size=1, max_size=12), st.text(min_size=1, max_size=12))
def test_a_basic_login_goes_whatever_it_holds(user: str, password: str) -> None:
    """The token alone is enough; no word Authorization is needed."""
    printable = all(c.isprintable() for c in user + password)
    token = base64.b64encode(f"{user}:{password}".encode()).decode()

    assert (token not in redact_text(f"Basic {token}")) or not printable


@pytest.mark.parametrize(
    "piece",
    [
        *(
            "-eyJaaaaaaaa",
            "eyJaaaaaaaa.",
            "a:",
            "a=",
            "://a",
            "-u=",
            "-u a",
            "-u'",
            "mysql ",
            "curl ",
        ),
        *(
            "docker login ",
            "mongo -",
            "SG.aaaaaaaaaaaaaaaa-",
            "ya29",
            "sk-",
            "npm_",
            "pass ",
            "-p ",
        ),
        *("basic ", "bearer ", "cookie:", "authorization ", "SharedAccessSignature ", "?code=4"),
        *("jdbc:oracle:thin:", "AGE-SECRET-KEY-", "-----BEGIN ", "token ", "\\", "-", " ", "x."),
    ],
)
def test_a_long_text_that_nearly_matches_ends_and_still_loses_its_secret(piece: str) -> None:
    """64 KiB of one pattern's beginning, then a secret that must be found after it."""
    hostile = piece * (65536 // len(piece))

    shown = redact_text(f"{hostile}\n\n;--password=hunter2 ;x")

    assert "hunter2" not in shown
    assert shown.endswith(";x")


@pytest.mark.parametrize("piece", ["password=", "token='", "\\'", '\\"', "pass: x ", "it's", "\\"])
def test_a_long_value_that_never_ends_goes_whole(piece: str) -> None:
    """The rest of the text is the value."""
    assert redact_text(f'password="{piece * 8192}') == f'password="{REDACTED}"'
