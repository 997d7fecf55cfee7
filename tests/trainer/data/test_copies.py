"""Copies among the labelled images: on both sides of a split they would be recognised."""

import numpy as np
import torch
from PIL import Image

from evaluation.metrics.higgins import higgins
from trainer.data import UNKNOWN, load, notes_of

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (60, 4, 4)).astype(np.uint8)
CLASSES = np.stack([np.arange(60) % 2, np.arange(60) // 2 % 2], axis=1)


def known(data):
    return (data.classes(np.arange(len(data))) != UNKNOWN).all(axis=1)


def test_copies_of_an_image_count_once(tmp_path):
    table = ["file,odd,half"]
    for n, (odd, half) in enumerate(CLASSES[:12]):
        for name in (f"{n}.png", f"{n} copy.png"):
            Image.fromarray(IMAGES[n]).save(tmp_path / name)
            other = 1 - odd if name == "3 copy.png" else odd  # another label is another image's
            table.append(f"{name},{other},{half}")
    (tmp_path / "labels.csv").write_text("\n".join(table))
    data = load("folder", path=str(tmp_path), labels=str(tmp_path / "labels.csv"))
    assert known(data).sum() == 13
    assert "11 labelled images are copies of others" in notes_of(data).labels[-1]


def test_a_code_of_noise_is_not_recognised_by_copies(tmp_path):
    """Every image three times: noise that depends on the image scored far above chance."""
    np.savez(tmp_path / "a.npz", images=np.tile(IMAGES, (3, 1, 1)), labels=np.tile(CLASSES, (3, 1)))
    data = load("folder", path=str(tmp_path / "a.npz"))
    assert known(data).sum() == 60
    plain = tmp_path / "b.npz"
    np.savez(plain, images=IMAGES, labels=CLASSES)
    noise = torch.randn(16, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    def represent(images):
        return torch.sin(images.reshape(len(images), -1).double() @ noise * 50).float()

    score = higgins(represent, data).score
    assert score == higgins(represent, load("folder", path=str(plain))).score
    assert score < 0.65


def test_without_copies_nothing_changes(tmp_path):
    np.savez(tmp_path / "a.npz", images=IMAGES, labels=CLASSES)
    data = load("folder", path=str(tmp_path / "a.npz"))
    assert known(data).all() and not notes_of(data).labels
