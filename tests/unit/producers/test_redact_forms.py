"""The forms secrets come in: short names, command lines, vendors' tokens, JSON, hostile text.

What is promised: a short name counts as a word and not as a part of one; passwords of known
programs go, ports and ordinary options stay; every vendor's token is known by its prefix; a value
goes whole, however it is quoted; and no text makes a job's thread run long. Source: DESIGN 5.

Evidence: examples both ways, a property over innocent words, and a process that redacts a
megabyte of the beginning of every pattern: a quadratic one would need hours.
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lineseal.producers.capture.command_line import redact_command
from lineseal.producers.capture.redact import redact_record
from lineseal.producers.capture.secret_keys import is_secret, is_secret_key
from lineseal.producers.capture.secret_text import REDACTED, redact_identifier, redact_text
from lineseal.schemas.model import Pair
from lineseal.schemas.record import to_record

SHORT_KEYS = [
    *("pass", "db_pass", "dbPass", "PGPASS", "pw", "user.pw", "pwd", "sas", "blob-sas", "pat"),
    *("GITHUB_PAT", "jwt", "otp", "auth", "redis_auth", "psk", "totp", "pass2", "storepass"),
]
INNOCENT_KEYS = [
    *("passes", "num_passes", "author", "authors", "authority", "pattern", "patience", "path"),
    *("pass_rate", "passed", "low_pass", "forward_pass", "compass", "bypass", "auth_type", "spat"),
    *("authenticated", "sasquatch", "patch", "notpwned", "spwd1x", "basic", "oath", "ottoman"),
]
COMMANDS = [
    (["train", "--pass", "X1y2", "--lr", "1"], "X1y2", "--lr 1"),
    (["train", "--auth", "X1y2", "--lr", "1"], "X1y2", "--lr 1"),
    (["train", "--password=a b X1y2"], "X1y2", "--password="),
    (["train", "--password=a b X1y2"], "a b", "--password="),
    (["env", "DB_PASSWORD=a 'b X1y2", "x"], "X1y2", "x"),
    (["docker", "run", "-e=DB_PASSWORD=a X1y2"], "X1y2", "DB_PASSWORD="),
    (["mysql", "-uroot", "-pX1y2", "shop"], "X1y2", "shop"),
    (["/usr/bin/mysqldump", "-pX1y2", "shop"], "X1y2", "shop"),
    (["sudo", "docker", "login", "-u", "me", "-p", "X1y2", "reg"], "X1y2", "reg"),
    (["curl", "-u", "me:X1y2", "https://h"], "X1y2", "https://h"),
    (["curl", "-ume:X1y2", "https://h"], "X1y2", "https://h"),
    (["curl", "--user=me:X1y2", "https://h"], "X1y2", "https://h"),
    (["curl", "-H", "Authorization: Basic X1y2"], "X1y2", "Authorization:"),
    (["openssl", "rsa", "-passin", "pass:X1y2", "-in", "k"], "X1y2", "-in k"),
    (["sshpass", "-p", "X1y2", "ssh", "h"], "X1y2", "ssh h"),
    (["redis-cli", "-a", "X1y2", "ping"], "X1y2", "ping"),
    (["bash", "-c", "mysql -pX1y2 shop && echo done"], "X1y2", "echo done"),
    (["sh", "-c", "docker login -p X1y2 reg; docker run -p 80:80 i"], "X1y2", "-p 80:80"),
    (["train", "--token", "--X1y2"], "X1y2", "--token"),
]
ORDINARY_COMMANDS = [
    "docker run -p 8080:80 -u 1000:1000 image",
    "mysql -u root -p shop",
    "pytest -p no:cacheprovider -k pass",
    "train.py --passes 3 --author bob --pattern abc --path x",
    "mkdir -p folder/sub",
    "train.py --forward-pass 12 --pass-rate 0.5",
]
TEXTS = [
    ("SharedAccessSignature sr=h&sig=X1y2%3d&se=1&skn=k", "X1y2"),
    ("BlobEndpoint=https://h/;SharedAccessSignature=sv=1&sig=X1y2", "X1y2"),
    ("https://h/api/f?code=X1y2abcdefghijklmnopqr==", "X1y2"),
    ("https://hooks.slack.com/services/T000/B000/X1y2", "X1y2"),
    ("post to https://discord.com/api/webhooks/12/X1y2 failed", "X1y2"),
    ("https://api.telegram.org/bot12:X1y2/send", "X1y2"),
    ("Authorization: Bearer X1y2", "X1y2"),
    ('{"Authorization": "Basic X1y2"}', "X1y2"),
    ("pass=X1y2", "X1y2"),
    ("PGPASS: X1y2", "X1y2"),
    ("password: 'X1y2 is never closed", "X1y2"),
    ("password='a b X1y2' --lr 1", "X1y2"),
    (json.dumps({"password": 'a "b" X1y2', "lr": 1}), "X1y2"),
    (json.dumps({"args": json.dumps({"password": 'a "b" X1y2', "lr": 1})}), "X1y2"),
    (json.dumps({"a": json.dumps({"b": json.dumps({"pw": "a X1y2"})})}), "X1y2"),
    ("args: --db-password=X1y2", "X1y2"),
]
# In halves, so that no scanner takes this file for a leak.
TOKENS = [
    *("npm_" + "a1" * 18, "sk_live_" + "a1" * 12, "rk_live_" + "a1" * 12, "hvs." + "aB1" * 8),
    *("gsk_" + "a1" * 26, "nvapi-" + "a1_" * 20, "dapi" + "0a" * 16, "dop_v1_" + "0a" * 32),
    *("SG." + "a1" * 11 + "." + "b2" * 21, "ya29." + "a0-" * 20, "xapp-" + "1-A0-12-ab" * 3),
    *("xoxb-" + "12-ab-" * 4, "r8_" + "a1" * 18, "ghp_" + "a1" * 18, "glpat-" + "a1" * 10),
    *("github_pat_" + "a1" * 30, "AKIA" + "Z7" * 8, "AGE-SECRET-KEY-1" + "QZ" * 29),
    *("dckr_pat_" + "a1" * 14, "eyJ" + "hb1" * 6 + ".eyJzdWIi." + "c3" * 9),
]
PIECES = [
    *("eyJ", "eyJ-", "a ", "a=", "pass:", "//a", "://a@", "sk-", "SG.aaaaaaaaaaaaaaaaaa."),
    *("Bearer ",),
    *("Authorization: ", '"', '\\"', "password='", "--password ", "-p", "mysql ", "docker login "),
    *("?code=", "&sig=", "-----BEGIN PRIVATE KEY", "-----END", "jdbc:oracle:thin:", "-u a", "."),
    *("SharedAccessSignature ", "hooks.slack.com/services/", " ", "_", "-", "x" * 200 + "@"),
]
HOSTILE = """
import sys
from lineseal.producers.capture.command_line import redact_command
from lineseal.producers.capture.secret_text import redact_identifier, redact_text
for piece in sys.argv[1:]:
    text = piece * (1_000_000 // len(piece))
    redact_text("a=" + text)
    redact_identifier("//h?" + text[:100_000])
    redact_command(["mysql", text[:100_000]])
print("done")
"""


@pytest.mark.parametrize("key", SHORT_KEYS)
def test_a_short_name_counts_as_a_word(key: str) -> None:
    """Alone or as the last part of a longer name."""
    assert is_secret_key(key)


@pytest.mark.parametrize("key", INNOCENT_KEYS)
def test_a_short_name_does_not_count_inside_a_word(key: str) -> None:
    """Nor where it is a term."""
    assert not is_secret_key(key)


@given(
    st.sampled_from(["pass", "auth", "pat", "pw", "sas", "otp", "jwt"]),
    st.text("bcdfghlmnqrvxz", min_size=1, max_size=6),
)
def test_letters_after_a_short_name_make_another_word(word: str, letters: str) -> None:
    """``passes``, ``author``, ``pattern``: values of parameters that matter."""
    assume(word + letters != "pwd")  # a name of its own

    assert not is_secret_key(word + letters)
    assert redact_text(f"{word}{letters}=abc") == f"{word}{letters}=abc"


@pytest.mark.parametrize("value", ["12", "0.93", "97%", "true", "none", "ok"])
def test_a_short_name_may_count_things(value: str) -> None:
    """``pass: 12`` is the outcome of a check; ``password: 12`` is not."""
    assert not is_secret("pass", value)
    assert is_secret("password", value)
    assert redact_record(Pair, to_record(Pair(key="pass", value=value)))["value"] == value


@pytest.mark.parametrize(("command", "secret", "rest"), COMMANDS)
def test_a_command_line_loses_its_secrets(command: list[str], secret: str, rest: str) -> None:
    """To the end of the argument."""
    shown = redact_command(command)

    assert secret not in shown
    assert REDACTED in shown
    assert rest in shown


@pytest.mark.parametrize("command", ORDINARY_COMMANDS)
def test_an_ordinary_command_line_stays(command: str) -> None:
    """As arguments and as text."""
    assert redact_command(command.split()) == command
    assert redact_text(command) == command


@pytest.mark.parametrize(("text", "secret"), TEXTS)
def test_a_value_goes_whole(text: str, secret: str) -> None:
    """However it is named, quoted and nested."""
    shown = redact_text(text)

    assert secret not in shown
    assert REDACTED in shown
    assert redact_text(shown) == shown


@pytest.mark.parametrize("lr", [1, "a b"])
def test_what_stands_after_a_quoted_value_stays(lr: object) -> None:
    """Escaped quotes do not end it, the right one does."""
    text = json.dumps({"a": json.dumps({"password": 'x "y" z', "lr": lr})})

    assert json.loads(json.loads(redact_text(text))["a"]) == {"password": REDACTED, "lr": lr}


@pytest.mark.parametrize("token", TOKENS)
def test_a_vendors_token_is_known_by_its_form(token: str) -> None:
    """In the middle of a sentence."""
    assert redact_text(f"got {token}, why?") == f"got {REDACTED}, why?"


def test_a_webhook_is_a_secret_in_an_identifier_too() -> None:
    """Who has its address may write; a country's code is none."""
    shown = redact_identifier("https://hooks.slack.com/services/T0/B0/X1y2")

    assert shown == f"https://hooks.slack.com/services/{REDACTED}"
    assert redact_identifier("https://h/x?code=US") == "https://h/x?code=US"


def test_no_text_makes_redaction_run_long() -> None:
    """A megabyte of each beginning, in a process of its own with minutes to spare."""
    done = subprocess.run(
        [sys.executable, "-c", HOSTILE, *PIECES],
        capture_output=True,
        check=False,
        text=True,
        timeout=200,
    )

    assert done.stdout == "done\n", done.stderr
