"""result.json is believed only when it and every file it lists are whole."""

import json
from pathlib import Path

import pytest

from evaluation.result_file import read_record, read_result, write_result
from trainer.files import stamp

RECORD = {
    "format": 1,
    "run": "a",
    "state": "finished",
    "reason": None,
    "config": {"beta": 4.0, "latents": 10, "seed": 0},
    "data": {"shape": [1, 64, 64]},
    "evaluations": {},
}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    (tmp_path / "model.safetensors").write_bytes(bytes(range(200)))
    files = {"model.safetensors": stamp(tmp_path / "model.safetensors")}
    write_result(tmp_path, RECORD | {"files": files})
    return tmp_path


def reason(run: Path) -> str:
    assert read_result(run) is None
    return read_record(run, "result.json").reason


def test_a_whole_result_is_read(run: Path) -> None:
    result = read_result(run)
    assert result is not None and result["run"] == "a"


def test_a_result_cut_at_any_length_counts_as_none(run: Path) -> None:
    text = (run / "result.json").read_text().rstrip()
    for length in range(len(text)):
        (run / "result.json").write_text(text[:length])
        assert read_result(run) is None


def test_a_torn_file_is_noticed(run: Path) -> None:
    (run / "model.safetensors").write_bytes(bytes(range(100)))
    assert "is torn (100 bytes of 200)" in reason(run)


def test_a_changed_byte_is_noticed(run: Path) -> None:
    (run / "model.safetensors").write_bytes(bytes([1, *range(1, 200)]))
    assert "SHA-256" in reason(run)
    assert read_result(run, hashes=False) is not None


def test_a_missing_file_is_noticed(run: Path) -> None:
    (run / "model.safetensors").unlink()
    assert "model.safetensors is missing" in reason(run)


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"null", b'{"format": 1}', b"\xff\xfe", b'{"format": 1, "files": {"a": 3}}'],
)
def test_nonsense_does_not_count_as_a_result(run: Path, content: bytes) -> None:
    (run / "result.json").write_bytes(content)
    assert "result.json" in reason(run) or "without checksum" in reason(run)


def test_another_format_is_reported(run: Path) -> None:
    record = json.loads((run / "result.json").read_text())
    (run / "result.json").write_text(json.dumps(record | {"format": 99}))
    assert "format 99" in reason(run)


def test_no_result_is_dropped_silently(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert read_result(tmp_path) is None
    assert not caplog.records


def test_a_damaged_one_is_logged(run: Path, caplog: pytest.LogCaptureFixture) -> None:
    (run / "model.safetensors").unlink()
    read_result(run)
    assert "is missing; the result is not used" in caplog.text


def test_numbers_json_does_not_know_are_refused_and_nothing_is_lost(run: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_result(run, {"score": float("nan")})
    assert read_result(run) is not None
    assert sorted(path.name for path in run.iterdir()) == ["model.safetensors", "result.json"]


def test_a_digit_of_a_result_that_was_edited_is_noticed(run: Path) -> None:
    text = (run / "result.json").read_text()
    (run / "result.json").write_text(text.replace('"beta": 4.0', '"beta": 3.0'))
    assert "was changed" in reason(run)
    assert read_result(run, hashes=False) is None  # at a glance, too


def test_a_result_without_checksums_from_an_earlier_version_is_read(run: Path) -> None:
    record = json.loads((run / "result.json").read_text())
    del record["checksum"]
    (run / "result.json").write_text(json.dumps(record))
    assert read_result(run) == record


def test_a_checksum_over_nan_is_no_checksum(run: Path) -> None:
    text = (run / "result.json").read_text()
    (run / "result.json").write_text(text.replace("4.0", "1e999"))
    assert read_result(run) is None
