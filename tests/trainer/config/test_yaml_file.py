"""YAML with lines: what is read, what is refused, and at which line."""

import pytest

from trainer.config.yaml_file import MAX_BYTES, MAX_DEPTH, read
from trainer.errors import UserError


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "sweep.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 1e-3),
        ("1E5", 1e5),
        ("1.5e+3", 1500.0),
        (".5", 0.5),
        ("300_000", 300_000),
        ("-7", -7),
        ("010", 10),
        ("true", True),
        ("null", None),
        ("~", None),
        ("", None),
        ("yes", "yes"),
        ("on", "on"),
        ("1:30", "1:30"),
        ("2024-01-31", "2024-01-31"),
        ("'12'", "12"),
        ("0x10", "0x10"),
        ("[1, 2.0, a]", [1, 2.0, "a"]),
    ],
)
def test_scalars(file, text, value):
    found = read(file(f"key: {text}")).value["key"]
    assert found == value
    assert type(found) is type(value)


def test_every_key_and_item_has_its_line(file):
    document = read(file("# head\na:\n  b: [1,\n    2]\n  c: {d: 1}\n"))
    assert document.lines == {
        ("a",): 2,
        ("a", "b"): 3,
        ("a", "b", 0): 3,
        ("a", "b", 1): 4,
        ("a", "c"): 5,
        ("a", "c", "d"): 5,
    }


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "nothing"),
        ("# only a comment\n", 1, "nothing"),
        ("- a\n- b\n", 1, "a list"),
        ("just words\n", 1, "a string"),
        ("a: 1\nb: 2\na: 3\n", 3, "given twice"),
        ("a:\n  b: 1\n  b: 2\n", 3, "a.b: given twice"),
        ("a: 1\n1: 2\n", 2, "expected a name as key"),
        ("a: 1\n? [x]\n: 2\n", 2, "expected a name as key"),
        ("a: [1, 2\nb: 3\n", 2, "expected"),
        ("a: 1\n\tb: 2\n", 2, ""),
        ("a: &x 1\nb: *x\n", 2, "aliases"),
        ("a: &x [*x]\n", 1, "aliases"),
        ("a: 1\nb: !!python/object:os.system x\n", 2, "tag"),
        ("a: 1\nb: !!int x\n", 2, "expected int"),
        ("a: 1\nb: 1e999\n", 2, "expected float"),
        ("a: " + "9" * 5000, 1, "expected int"),
        ('a: "\\0"', 1, "expected str"),
        ('a: "\\ud800"', 1, "expected str"),
        (b"a: 1\nb: \xff\xfe\n", 2, "UTF-8"),
        ("a: 1\nb: \x07\n", 2, "character"),
        ("a: 1\n---\nb: 2\n", 2, "document"),
        ("a: " + "[" * 5000, 1, f"deeper than {MAX_DEPTH}"),
        ("a: " + "{b: " * 5000, 1, f"deeper than {MAX_DEPTH}"),
    ],
)
def test_refused_at_its_line(file, text, line, words):
    path = file(text)
    with pytest.raises(UserError) as caught:
        read(path)
    message = str(caught.value)
    assert message.startswith(f"{path}:{line}: ")
    assert words in message
    assert len(message.splitlines()) == 1


def test_files_that_cannot_be_read(tmp_path, file):
    for path in (tmp_path / "none.yaml", tmp_path, "a\0b"):
        with pytest.raises(UserError, match="cannot be read"):
            read(path)
    with pytest.raises(UserError, match="too large"):
        read(file("a: " + "x" * MAX_BYTES))


def test_overrides_replace_add_and_win_over_names(file):
    path = file("dataset: dsprites\nparameters:\n  optimizer.lr: {min: 1, max: 2}\nseeds: 5\n")
    overrides = ["dataset.size=32", "parameters.optimizer.lr.min=1e-3", "seeds=[1, 2]", "a.b.c=x"]
    document = read(path, overrides)
    assert document.value == {
        "dataset": {"name": "dsprites", "size": 32},
        "parameters": {"optimizer.lr": {"min": 1e-3, "max": 2}},
        "seeds": [1, 2],
        "a": {"b": {"c": "x"}},
    }
    assert read(path).value["seeds"] == 5


@pytest.mark.parametrize(
    "override", ["seeds", "=3", "a..b=1", ".a=1", "seeds=[1", "seeds={a: 1, a: 2}"]
)
def test_broken_overrides_name_themselves(file, override):
    with pytest.raises(UserError) as caught:
        read(file("seeds: 5\n"), [override])
    assert str(caught.value).startswith(f"{override}: ")
