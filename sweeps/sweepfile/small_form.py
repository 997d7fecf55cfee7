"""A sweep file's small form: `size=small` applies the overrides in its block `small`.

The keys of the block are as on the command line, and are applied before other overrides:

    small:
      name: mine-small
      dataset.size: 32
      trainer.steps: 500
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from trainer.config.schema import FieldError
from trainer.config.yaml_file import Document, one_line, override, put, read
from trainer.errors import UserError

BLOCK = "small"


def read_sized(path: str | Path, overrides: Sequence[str] = ()) -> Document:
    """The sweep file at `path` without its block `small`, in the small form if requested.

    Raises UserError, one line, for a `size` other than small and for a file without the block.
    """
    document = read(path)
    block, document = _split_block(document)
    sizes = [text for text in overrides if text.partition("=")[0].strip() == "size"]
    for text in sizes:
        if text.partition("=")[2].strip() != BLOCK:
            raise UserError(one_line(f"{text}: expected size=small; omit it for the full size"))
        if block is None:
            raise UserError(one_line(f"{text}: {path} has no block `small`"))
        document = _applied(document, block, text)
    for text in overrides:
        if text not in sizes:
            document = override(document, text)
    return document


def _split_block(document: Document) -> tuple[dict[str, Any] | None, Document]:
    """The block, or None, and the document without it."""
    if BLOCK not in document.value:
        return None, document
    block = document.value[BLOCK]
    if not isinstance(block, dict):
        problem = "expected a mapping of overrides, e.g. trainer.steps: 500"
        raise document.error(FieldError(problem, (BLOCK,)))
    for key in block:
        if not all(key.split(".")) or key == BLOCK:
            raise document.error(FieldError("expected a key of a sweep file", (BLOCK, key)))
    rest = {key: value for key, value in document.value.items() if key != BLOCK}
    return block, replace(document, value=rest)


def _applied(document: Document, block: dict[str, Any], text: str) -> Document:
    """The document with the block's values in place; each keeps its line in the block."""
    lines = document.lines
    for key, value in block.items():
        document, place = put(document, key, value)
        start = (BLOCK, key)
        moved = {
            (*place, *path[2:]): line for path, line in lines.items() if path[: len(start)] == start
        }
        document = replace(document, lines={**document.lines, **moved})
    return replace(document, overrides={**document.overrides, (BLOCK,): text})
