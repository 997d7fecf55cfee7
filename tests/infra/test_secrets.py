"""No file of infra/, nor the Dockerfile, holds anything that looks like a key."""

import math
import re
from collections import Counter

import pytest

from tests.infra.files import INFRA, ROOT

SHAPES = {
    "AWS key": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
    "GitHub token": r"\bgh[pousr]_\w{36,}",
    "password in an address": r"://[^/\s:@]+:(?!\$\{)[^/\s@]+@",
    "value of a secret": r"(?i)(?:password|secret_?key|access_?key|auth_?token|api_?key)\w*"
    r"[\"']?[ \t]*[:=][ \t]*[\"']?[^\s\"'#$?/~][^\s\"'#]{2,}",
}
FILES = [path for path in [ROOT / "Dockerfile", *INFRA.rglob("*")] if path.is_file()]


def suspects(text):
    found = [(name, m[0]) for name, shape in SHAPES.items() for m in re.finditer(shape, text)]
    for word in re.findall(r"[A-Za-z0-9+/_=-]{24,}", text):
        counts = Counter(word)
        bits = -sum(n / len(word) * math.log2(n / len(word)) for n in counts.values())
        if bits > 3.0 and re.search(r"\d", word) and re.fullmatch(r"[A-Za-z0-9+/=]+", word):
            found.append(("random text", word))
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_file_contains_no_secret(path):
    assert suspects(path.read_text()) == []


@pytest.mark.parametrize(
    "text",
    [
        "key: AKIA" + "ABCDEFGHIJKLMNOP",
        "-----BEGIN RSA " + "PRIVATE KEY-----",
        "uri: postgresql://mlflow:hunter2@postgres/mlflow",
        "POSTGRES_PASSWORD=hunter2",
        "  auth_token: hunter2",
        'S3_SECRET_KEY: "hunter2"',
        "x: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    ],
)
def test_a_planted_secret_is_found(text):
    assert suspects(text)


def test_a_filled_in_env_file_is_not_for_git():
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert ".env" in ignored
