"""S3 as it is elsewhere: servers that refuse or ignore what Amazon's takes, keys that expire."""

import pytest

from sweeps.run_store import Store
from tests.servers.other_s3 import OtherS3, other_s3
from trainer.errors import UserError

KEYS = "[default]\naws_access_key_id = {name}\naws_secret_access_key = secret\n"


@pytest.fixture
def keys(tmp_path):
    """Where the user's keys are kept."""
    path = tmp_path / "credentials"
    path.write_text(KEYS.format(name="FIRST"))
    return path


@pytest.fixture
def server(monkeypatch, tmp_path, keys):
    with other_s3(OtherS3()) as server:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(keys))
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
        monkeypatch.setenv("SWEEP_CACHE", str(tmp_path / "cache"))
        yield server


@pytest.fixture(params=["bucket", "bucket.with.dots"])
def store(server, request):
    return Store(f"s3://{request.param}/here")


def test_keys_that_expire_are_named_and_new_ones_taken_up(server, store, keys):
    store.write_text("a.txt", "before")
    server.expired.add("FIRST")
    with pytest.raises(UserError, match=r"cannot be written: as ExpiredToken says .*credentials"):
        store.write_text("a.txt", "meanwhile")
    keys.write_text(KEYS.format(name="SECOND"))
    store.write_text("a.txt", "after")
    assert store.read_text("a.txt") == "after"


def test_a_server_that_refuses_checksums_is_spared_them(server, store):
    server.checksums = False
    store.write_text("a.txt", "x")
    assert store.read_text("a.txt") == "x"


def test_a_server_without_conditional_writes_is_refused(server, store):
    server.conditions = False
    with (
        pytest.raises(UserError, match="cannot be locked: its server ignores If-None-Match"),
        store.lock("one"),
    ):
        raise AssertionError
    assert not server.files
    server.conditions = True
    with store.lock("one"):
        assert store.holder("one") is not None


@pytest.mark.parametrize(
    "answer", [(301, "PermanentRedirect"), (400, "AuthorizationHeaderMalformed")]
)
def test_a_bucket_in_another_region_is_found(server, store, monkeypatch, answer):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    server.region, server.wrong_region = "eu-central-1", answer
    store.write_text("a.txt", "x")
    assert store.read_text("a.txt") == "x"
    with store.lock("one"):
        assert store.holder("one") is not None
