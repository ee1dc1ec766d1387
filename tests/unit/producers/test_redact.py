"""Secrets are never signed, and ordinary values are left alone.

What is promised: the value of a parameter whose name says that it is a secret is replaced; free
text, locations and command lines lose logins, tokens and keys; identifiers lose the password of a
URI and nothing else. What only looks similar stays, since a record that lost its facts is
useless. Source: DESIGN 5 (capture).

Evidence: examples both ways for each rule, and two properties: redacting twice changes nothing
more, and no pattern needs more than a moment for hostile text.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineseal.producers.capture.command_line import redact_command
from lineseal.producers.capture.redact import redact_record
from lineseal.producers.capture.secret_keys import is_secret_key
from lineseal.producers.capture.secret_text import REDACTED, redact_identifier, redact_text
from lineseal.schemas.model import Pair, Registration, RunEvent, RunState, Source, Subject
from lineseal.schemas.record import to_record

SECRET_KEYS = [
    *("password", "DB_PASSWORD", "dbPassword", "db.passwd", "user-pwd", "passphrase"),
    *("secret", "client_secret", "clientSecret", "token", "hf_token", "access-token"),
    *("api_key", "apiKey", "OPENAI_API_KEY", "aws_secret_access_key", "credentials"),
    *("private_key", "authorization", "connection_string", "AccountKey", "SharedAccessKey"),
    *("session_cookie", "sentry.dsn", "AZURE_STORAGE_CONNECTION_STRING"),
]
ORDINARY_KEYS = [
    *("max_tokens", "tokenizer", "num_tokens", "token_count", "pad_token", "eos_token"),
    *("pad_token_id", "cost_per_token", "learning_rate", "primary_key", "sort_key", "key"),
    *("partition_key", "keyboard", "author", "password_file", "secret_name", "token_type"),
    *("access_key_id", "monkey", "secretary", "compass", "turkey"),
]

SECRET_TEXTS = [
    ("postgres://reader:hunter2@db/lake", "hunter2", "db/lake"),
    ("postgres://reader:p@ss@db/lake", "p@ss", "db/lake"),
    ("see https://abcdef0123@github.com/o/r now", "abcdef0123", "github.com/o/r now"),
    ("//reader:hunter2@db/lake", "hunter2", "db/lake"),
    ("redis://:hunter2@cache:6379", "hunter2", "cache:6379"),
    ("https://h/x?page=2&token=hunter2&y=1", "hunter2", "&y=1"),
    ("https://b.s3.amazonaws.com/k?X-Amz-Signature=abc123&n=1", "abc123", "&n=1"),
    ("https://a.blob.core.windows.net/c?sv=2024&sig=ab%2Fcd", "ab%2Fcd", "sv=2024"),
    ("jdbc:oracle:thin:scott/tiger@host:1521", "tiger", "@host:1521"),
    ("jdbc:postgresql://db/x?user=u&password=hunter2", "hunter2", "user=u"),
    ("train.py --password hunter2 --epochs 3", "hunter2", "--epochs 3"),
    ("train.py --api-key=hunter2 --epochs 3", "hunter2", "--epochs 3"),
    ("train.py --hf-token 'hunter 2' -v", "hunter 2", "-v"),
    ("curl -u alice:hunter2 https://h", "hunter2", "https://h"),
    ("DB_PASSWORD=hunter2 python train.py", "hunter2", "python train.py"),
    ('{"password": "hunter2", "epochs": 3}', "hunter2", '"epochs": 3'),
    ("Server=db;Password=hunter2;Timeout=3", "hunter2", "Timeout=3"),
    ("AccountName=a;AccountKey=aGVsbG8=;Suffix=x", "aGVsbG8", "Suffix=x"),
    ("Authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz", "Authorization"),
    ("got 401 for Bearer abc.def0123456789-x", "def0123456789", "got 401"),
    ("key AKIAIOSFODNN7EXAMPLE was refused", "AKIAIOSFODNN7EXAMPLE", "was refused"),
    ("ghp_0123456789abcdefghij0123456789abcdef leaked", "ghp_0123", "leaked"),
    ("use hf_AbCdEfGhIjKlMnOpQrStUvWx", "hf_AbC", "use"),
    ("sk-proj-0123456789abcdefghijkl here", "sk-proj", "here"),
    ("eyJhbGciOiJI.eyJzdWIiOiIx.SflKxwRJSM here", "eyJzdWIi", "here"),
    (
        "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blbn\n-----END OPENSSH PRIVATE KEY-----\nrest",
        "b3Blbn",
        "rest",
    ),
    ("-----BEGIN PRIVATE KEY-----\nMC4CAQAw", "MC4CAQAw", ""),
]
ORDINARY_TEXTS = [
    "s3://bucket/path/part-0.parquet",
    "abfss://container@account.dfs.core.windows.net/x",
    "ssh://git@github.com/o/r.git",
    "git@github.com:o/r.git",
    "https://registry.npmjs.org:443/@scope/pkg?page=2&sort=key",
    "https://huggingface.co/datasets/imdb?revision=main",
    "train.py --max-tokens 100 --tokenizer bert --lr 0.1",
    "train.py --pad-token '<pad>' --epochs 3",
    "docker run -u 1000:1000 image",
    "labels flipped by the partner: 12 of 500; ask the data team",
    "bearer responsibilities are listed in the contract",
    "Basic understanding of the feed",
    "sha256:0123456789abcdef0123456789abcdef",
    "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
    "max_tokens=100, temperature=0.2",
    "the secretary approved; no password was involved",
    "ValueError: could not convert string to float: 'abc'",
]


@pytest.mark.parametrize("key", SECRET_KEYS)
def test_a_key_that_names_a_secret_is_known(key: str) -> None:
    """However it is spelt."""
    assert is_secret_key(key)


@pytest.mark.parametrize("key", ORDINARY_KEYS)
def test_a_key_that_only_sounds_like_one_is_not(key: str) -> None:
    """Vocabulary tokens, counts, and names of where a secret is."""
    assert not is_secret_key(key)


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
    ("identifier", "expected"),
    [
        ("postgres://u:p@db:5432", f"postgres://{REDACTED}@db:5432"),
        ("https://h/x?token=abc&v=2", f"https://h/x?token={REDACTED}&v=2"),
        ("abfss://c@a.dfs.core.windows.net", "abfss://c@a.dfs.core.windows.net"),
        ("token=5", "token=5"),
        ("AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"),
    ],
)
def test_identifiers_lose_passwords_of_uris_only(identifier: str, expected: str) -> None:
    """They are compared, so nothing else in them may change."""
    assert redact_identifier(identifier) == expected


def test_command_lines_are_redacted_argument_by_argument() -> None:
    """A secret with spaces and quotes goes whole."""
    shown = redact_command(
        ["python", "train.py", "--password", "it's a secret", "--lr", "0.1", "a=b c"]
    )

    assert shown == f"python train.py --password '{REDACTED}' --lr 0.1 'a=b c'"


def test_records_are_redacted_in_depth() -> None:
    """Parameters by key, nested records and lists by what their text holds."""
    run = RunEvent(
        state=RunState.START,
        parameters=(Pair(key="lr", value="0.1"), Pair(key="db_password", value="x")),
        message="failed at https://u:p@h/x",
    )
    registration = Registration(
        subject=Subject(type="source", name="partner-feed"),
        source=Source(uri="https://u:p@h/feed", maintainers=("a@b.c", "token=abc")),
        attributes=(Pair(key="token", value="x"),),
    )

    shown_run = redact_record(RunEvent, to_record(run))
    shown = redact_record(Registration, to_record(registration))

    assert [pair["value"] for pair in shown_run["parameters"]] == ["0.1", REDACTED]
    assert shown_run["message"] == f"failed at https://{REDACTED}@h/x"
    assert shown["source"]["uri"] == f"https://{REDACTED}@h/feed"
    assert shown["source"]["maintainers"] == ["a@b.c", f"token={REDACTED}"]
    assert shown["attributes"] == [{"key": "token", "value": REDACTED}]


@given(
    st.one_of(
        st.text(max_size=200),
        st.lists(st.sampled_from([t for t, *_ in SECRET_TEXTS] + ORDINARY_TEXTS)).map(" ".join),
    )
)
def test_redacting_twice_is_redacting_once(text: str) -> None:
    """What was replaced is not replaced again."""
    once = redact_text(text)

    assert redact_text(once) == once


@pytest.mark.parametrize("piece", ["a", "a:", "://a", "token", "-----BEGIN PRIVATE KEY-----", "="])
def test_hostile_text_ends(piece: str) -> None:
    """64 KiB of one pattern's beginning is done; a quadratic pattern would run into the limit."""
    assert isinstance(redact_text(piece * (65536 // len(piece))), str)
