"""Images in Parquet files, the format of Hugging Face's datasets."""

import io
import json
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from trainer.config.schema import FieldError, suggestion
from trainer.data.formats.picture_folder import in_natural_order, names_below
from trainer.data.formats.pictures import Opener, Unusable
from trainer.errors import UserError


class Parquet:
    """The images of a .parquet file, or of all those in a folder, in natural order.

    An image column contains {"bytes", "path"}, or just bytes. Other columns with one value per
    image are labels.

    Raises UserError for files without images, FieldError for a key that does not exist.
    """

    kind = "parquet"
    remarks: tuple[str, ...] = ()

    def __init__(self, path: Path, images_key: str | None = None):
        self.path = path
        self.shards = shards(path)
        try:
            schema = pq.read_schema(self.shards[0])
            self.key = _images_column(path, schema, images_key)
            self.count = sum(pq.read_metadata(shard).num_rows for shard in self.shards)
            self.files = self._files(schema)
            self.columns, self.label_remarks = self._columns(schema)
        except (pa.ArrowException, OSError) as error:
            raise UserError(f"{path}: cannot be read as Parquet ({_line(error)})") from None
        if self.count == 0:
            raise UserError(f"{path}: contains no images")

    def paths(self) -> list[Path]:
        """All files that the images come from, in order."""
        return self.shards

    def place(self, number: int) -> str:
        """Where an image is, for messages."""
        return f"{self.path}, row {number}"

    def blocks(self, size: int) -> Iterator[list[Opener]]:
        """The images in order, `size` at a time, each opened on demand."""
        for shard in self.shards:
            with pq.ParquetFile(shard) as file:
                for batch in file.iter_batches(size, columns=[self.key]):
                    yield [partial(_opened, row) for row in batch.column(0).to_pylist()]

    def _files(self, schema: pa.Schema) -> tuple[str, ...]:
        """The images' names, if all have one."""
        kind = schema.field(self.key).type
        if not (pa.types.is_struct(kind) and kind.get_field_index("path") >= 0):
            return ()
        table = pq.read_table(self.shards, columns=[f"{self.key}.path"])
        rows = table.column(0).to_pylist()
        names = [row.get("path") if isinstance(row, dict) else row for row in rows]
        known = [name for name in names if name]
        return tuple(known) if len(set(known)) == self.count else ()

    def _columns(self, schema: pa.Schema) -> tuple[dict[str, NDArray], tuple[str, ...]]:
        usable = [field.name for field in schema if _is_label(field)]
        others = [f.name for f in schema if f.name not in (self.key, *usable)]
        columns = _texts(pq.read_table(self.shards, columns=usable)) if usable else {}
        remark = f"the columns {', '.join(others[:5])} are ignored" if others else ""
        return columns, (remark,) if remark else ()


def shards(path: Path) -> list[Path]:
    """The Parquet files at a path: the file itself, or all below a folder in natural order."""
    if path.is_file():
        return [path]
    names = [name for name in names_below(path) if name.endswith(".parquet")]
    return [path / name for name in in_natural_order(names)]


def read_table(path: Path) -> tuple[dict[str, NDArray], list[str]]:
    """The columns of one value per row, as strings, empty where missing; names of the others.

    Raises UserError.
    """
    try:
        schema = pq.read_schema(path)
        names = [field.name for field in schema if _is_label(field)]
        others = [field.name for field in schema if field.name not in names]
        return _texts(pq.read_table(path, columns=names)), others
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"{path}: cannot be read as Parquet ({_line(error)})") from None


def _texts(table: pa.Table) -> dict[str, NDArray]:
    columns = {}
    for name in table.column_names:
        values = table.column(name).to_pylist()
        columns[name] = np.array(["" if v is None else str(v) for v in values], np.str_)
    return columns


def _images_column(path: Path, schema: pa.Schema, wanted: str | None) -> str:
    if wanted is not None:
        if wanted not in schema.names:
            problem = f"{path} has no column {wanted!r}{suggestion(wanted, schema.names)}"
            raise FieldError(problem, ("images_key",))
        if not _may_be_images(schema.field(wanted).type):
            problem = f"{wanted} of {path} contains {schema.field(wanted).type}, not image files"
            raise FieldError(f"{problem} (PNG, JPEG, …)", ("images_key",))
        return wanted
    declared = _declared_images(schema)
    found = declared or [f.name for f in schema if _may_be_images(f.type)]
    if len(found) == 1 or (found and found[0] in ("image", "img")):
        return found[0]
    if not found:
        held = ", ".join(schema.names[:8])
        raise UserError(
            f"{path}: no column among {held} contains image files (PNG, JPEG, … as bytes); save "
            "images that are lists of numbers as a .npy array"
        )
    raise UserError(
        f"{path}: several image columns, {', '.join(found)}; specify one with images_key"
    )


def _declared_images(schema: pa.Schema) -> list[str]:
    """The columns that Hugging Face's metadata in the file declares as images."""
    try:
        note: Any = json.loads((schema.metadata or {})[b"huggingface"])
        features = note["info"]["features"]
        return [name for name, kind in features.items() if kind.get("_type") == "Image"]
    except (KeyError, ValueError, TypeError, AttributeError):
        return []


def _may_be_images(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind):
        return kind.get_field_index("bytes") >= 0
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _is_label(field: pa.Field) -> bool:
    """Whether a column has one number, string or category per row, and is not pandas' index."""
    t = pa.types
    kind = field.type.value_type if t.is_dictionary(field.type) else field.type
    if re.fullmatch(r"__index_level_\d+__", field.name):
        return False
    return bool(
        t.is_integer(kind)
        or t.is_floating(kind)
        or t.is_decimal(kind)
        or t.is_boolean(kind)
        or t.is_string(kind)
        or t.is_large_string(kind)
    )


def _opened(row: Any) -> IO[bytes]:
    """An image's file. Raises Unusable if only its path is stored."""
    content = row.get("bytes") if isinstance(row, dict) else row
    if not content and isinstance(row, dict) and row.get("path"):
        raise Unusable("only its path is stored, not the image; specify the folder of the images")
    return io.BytesIO(content if isinstance(content, bytes) else b"")


def _line(error: Exception) -> str:
    return str(error).splitlines()[0]
