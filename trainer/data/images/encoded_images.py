"""Images in image files: inspected once, then decoded to a common form."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from trainer import cache
from trainer.data.formats import pictures
from trainer.data.formats.pictures import Opener
from trainer.data.images import copies
from trainer.errors import UserError

_BLOCK = 256
_SHOWN = 5  # problems listed in a message
_KEPT = 1000  # positions cached per kind
_VERSION = 1  # of the facts cached about the files


class Pictures(Protocol):
    """Image files in order; see `formats.picture_folder` and `formats.parquet`."""

    kind: str
    count: int
    files: tuple[str, ...]
    columns: dict[str, NDArray]
    remarks: tuple[str, ...]
    label_remarks: tuple[str, ...]

    def paths(self) -> list[Path]:
        """All files that the images come from, in order."""
        ...

    def place(self, number: int) -> str:
        """Where an image is, for messages."""
        ...

    def blocks(self, size: int) -> Iterator[list[Opener]]:
        """The images in order, `size` at a time, each opened on demand."""
        ...


class BrokenImages(UserError):
    """Images that cannot be used. `problems`: one line per image, in order."""

    def __init__(self, where: str, count: int, problems: Sequence[str], general: str = ""):
        self.problems = tuple(filter(None, [general, *problems]))
        shown = "; ".join(problems[:_SHOWN])
        if len(problems) > 1:
            shown = f"{len(problems):,} of {count:,} images cannot be used: {shown}"
        if len(problems) > _SHOWN:
            shown += f"; and {len(problems) - _SHOWN:,} more, which `sweep validate` lists"
        only_one = len(self.problems) == 1 and not general
        text = "; ".join(filter(None, [general, shown]))
        super().__init__(text if only_one else f"{where}: {text}")


class EncodedImages:
    """The images of a folder or of Parquet files.

    resize: whether all are resized to one size; otherwise other sizes are reported as problems.
    look: how transparent, 16-bit and non-square images are converted to a common form.
    size: (attribute) height and width of the first image. sizes: height, width and number of images
        of each size, starting with the first image's.
    """

    def __init__(self, source: Pictures, where: Path, resize: bool, look: pictures.Look):
        self.source, self.where, self.resize = source, where, resize
        self.kind, self.files, self.count = source.kind, source.files, source.count
        self.columns, self.label_remarks = source.columns, source.label_remarks
        try:
            found = cache.remembered("facts", source.paths(), self._look_at_all, _VERSION)
        except OSError as error:
            raise UserError(f"{error.filename or where}: {error.strerror or error}") from None
        self.found = found
        if not found["sizes"]:
            raise self._broken(found["problems"])
        self.sizes = [(height, width, count) for width, height, count, _ in found["sizes"]]
        self.size = self.sizes[0][:2]
        self.transparent = bool(found["transparent"])
        self.gray = not found["colour"]
        self.binary = False
        self.look = replace(look, top=pictures.white_of(found["top"]))
        self.remarks = source.remarks + tuple(self._remarks())
        # in addition to the files' content, since they were not always decoded in this way
        self.identity: list[object] = ["exif"] if found["turned"] else []
        if self.transparent or look.fit == "pad":
            self.identity.append(["background", *look.background])
        if look.fit != "crop" and resize:
            self.identity.append(look.fit)

    def content(self) -> str:
        """Hash of all files. Raises OSError."""
        return cache.content_hash(self.source.paths())

    def copies(self) -> NDArray[np.int64]:
        """For each image, the first one with the same bytes (itself if no earlier one has)."""
        files = self.source.paths()
        found = cache.remembered("copies", files, self._find_copies, self.count, 1)
        return copies.as_array(found, self.count)

    def _find_copies(self) -> dict[str, Any]:
        def contents() -> Iterator[bytes]:
            for block in self.source.blocks(_BLOCK):
                for opener in block:
                    with opener() as file:
                        yield file.read()

        return copies.find(contents())

    def read(self, shape: tuple[int, int, int]) -> Iterator[NDArray[np.uint8]]:
        """All images as bytes (n, channels, height, width), in blocks.

        Raises BrokenImages, a UserError listing all broken images, after opening all of them.
        """
        general, apart = self._of_other_sizes()
        problems = [*self.found["problems"], *apart, *self._of_other_depth()]
        sound = not general and not problems
        known, number = {place for place, _ in problems}, 0
        with ThreadPoolExecutor() as threads:
            for block in self.source.blocks(_BLOCK):
                wanted = {i: f for i, f in enumerate(block, number) if i not in known}
                made = list(threads.map(lambda f: _prepared(f, shape, self.look), wanted.values()))
                bad = [(i, m) for i, m in zip(wanted, made, strict=True) if isinstance(m, str)]
                problems += bad
                number += len(block)
                sound = sound and not bad
                if sound:
                    yield np.stack(made)  # type: ignore[arg-type]
        if not sound:
            raise self._broken(problems, general)

    def _broken(self, problems: Iterable[Any], general: str = "") -> BrokenImages:
        found = sorted((int(place), str(text)) for place, text in problems)
        if len(found) == 1 and not general:
            return BrokenImages("", 1, [f"{self.source.place(found[0][0])}: {found[0][1]}"])
        lines = [f"{self._name(place)}: {text}" for place, text in found]
        return BrokenImages(str(self.where), self.count, lines, general)

    def _look_at_all(self) -> dict[str, Any]:
        """Counts of each kind of image, with the first positions of each; problems by position."""
        sizes: dict[tuple[int, int], list[int]] = {}
        kinds: dict[str, list[int]] = {"colour": [], "gray": [], "sixteen": [], "eight": []}
        kinds |= {"transparent": [], "turned": [], "frames": []}
        problems, top, number = [], 0, 0
        with ThreadPoolExecutor() as threads:
            for block in self.source.blocks(_BLOCK):
                for place, facts in enumerate(threads.map(_facts, block), number):
                    if isinstance(facts, str):
                        problems.append([place, facts])
                        continue
                    sizes.setdefault((facts.width, facts.height), []).append(place)
                    kinds["colour" if facts.colour else "gray"].append(place)
                    kinds["sixteen" if facts.sixteen else "eight"].append(place)
                    for name in ("transparent", "turned"):
                        if getattr(facts, name):
                            kinds[name].append(place)
                    if facts.frames > 1:
                        kinds["frames"].append(place)
                    top = max(top, facts.top if facts.sixteen else 0)
                number += len(block)
        listed: list[Any] = [[w, h, len(places), places[:1]] for (w, h), places in sizes.items()]
        listed.sort(key=lambda entry: min(entry[3]))
        kept = {name: [len(p), *(p[:_KEPT])] if p else [] for name, p in kinds.items()}
        return {"sizes": listed[:_KEPT], **kept, "problems": problems, "top": top}

    def _of_other_sizes(self) -> tuple[str, list[tuple[int, str]]]:
        """The problem with different image sizes: for the data set, or for the only other size."""
        sizes = self.found["sizes"]
        if self.resize or len(sizes) == 1:
            return "", []
        (width, height, _, first), *others = sizes
        size = f"{self._name(first[0])} has {width} x {height}"
        if len(others) == 1 and others[0][2] == 1:
            width, height, _, (place,) = others[0]
            problem = f"{width} x {height} pixels, but {size}; set `size` to resize all images"
            return "", [(place, problem)]
        other = max(others, key=lambda entry: entry[0] * entry[1])
        count = sum(entry[2] for entry in others)
        return (
            f"images have different sizes: {size}, {count:,} have others, such as "
            f"{self._name(other[3][0])} with {other[0]} x {other[1]}; "
            "set `size` to resize all images",
            [],
        )

    def _of_other_depth(self) -> list[tuple[int, str]]:
        """Files with 16 bits per channel among others with 8: their white cannot be inferred."""
        sixteen, eight = self.found["sixteen"], self.found["eight"]
        if not (sixteen and eight):
            return []
        fewer = sixteen if sixteen[0] <= eight[0] else eight
        one, other = (16, 8) if fewer is sixteen else (8, 16)
        text = f"{one} bits per channel, while the others have {other}; convert it"
        return [(place, text) for place in fewer[1:]]

    def _remarks(self) -> Iterator[str]:
        found = self.found
        if found["colour"] and found["gray"]:
            yield (
                f"{found['gray'][0]:,} of {self.count:,} images "
                f"{'is' if found['gray'][0] == 1 else 'are'} grey and the others in colour "
                f"(the first grey one is {self._name(found['gray'][1])}): all are read in colour; "
                "set gray: true for one channel"
            )
        if found["transparent"]:
            colour = "#{:02x}{:02x}{:02x}".format(*self.look.background)
            yield (
                f"{_images(found['transparent'][0], 'is', 'are')} partly transparent, and put on "
                f"the background {'white' if self.look.background == pictures.WHITE else colour}"
            )
        if found["turned"]:
            yield f"{_images(found['turned'][0], 'is', 'are')} turned upright by EXIF tags"
        if found["frames"]:
            several = _images(found["frames"][0], "has", "have")
            what = "only the first is read; save the others as files" if self.count == 1 else ""
            yield f"{several} several frames; {what or 'the first is read'}"
        if found["sixteen"] and not found["eight"]:
            yield (
                f"images have 16 bits, values up to {found['top']:,}: {self.look.top:,} is white, "
                "kept as 256 levels"
            )

    def _name(self, place: int) -> str:
        return self.files[place] if self.files else f"row {place}"


def _images(count: int, one: str, several: str) -> str:
    return f"1 image {one}" if count == 1 else f"{count:,} images {several}"


def _facts(opener: Opener) -> pictures.PictureFacts | str:
    try:
        with opener() as file:
            return pictures.facts(file)
    except pictures.Unusable as error:
        return str(error)
    except OSError as error:
        return f"cannot be read ({error.strerror or error})"


def _prepared(
    opener: Opener, shape: tuple[int, int, int], look: pictures.Look
) -> NDArray[np.uint8] | str:
    try:
        with opener() as file:
            return pictures.prepare(pictures.opened(file), shape, look)
    except pictures.Unusable as error:
        return str(error)
    except (OSError, ValueError, SyntaxError) as error:
        return f"the image is damaged ({error})"
