"""The picture of a run: traversals from an image that it was not trained on, where there is one."""

from pathlib import Path

from sweeps.trials.picture import draw_traversals
from tests.evaluation.trained import config, sprites
from trainer.data.dataset import Dataset
from trainer.data.holdout import unseen
from trainer.models import Pack
from trainer.run_files import TRAVERSAL_FILE


def test_traversals_start_from_a_held_out_image(tmp_path: Path):
    data = sprites(holdout=500)
    pack = Pack(config(), 1, data.shape)
    pack.draw_parameters([0])

    def picture(name: str, images: Dataset) -> bytes:
        (tmp_path / name).mkdir()
        draw_traversals(pack, [tmp_path / name], images)
        return (tmp_path / name / TRAVERSAL_FILE).read_bytes()

    found = picture("both", data)
    assert found == picture("held out", unseen(data))
    assert found != picture("all", sprites())
