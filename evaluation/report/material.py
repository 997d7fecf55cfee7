"""The material for figures: a sweep's runs, its answer, its data and its models."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure

from evaluation.analysis.choose import Choice
from evaluation.analysis.settings.summary import SettingSummary
from evaluation.analysis.table import RunRow
from trainer.errors import UserError
from trainer.run_files import MODEL_FILE

if TYPE_CHECKING:
    from evaluation.analysis.answer import Answer
    from trainer.data.dataset import Dataset


class Lacking(UserError):
    """A figure cannot be drawn for this sweep; the message says what is missing."""


@dataclass(frozen=True)
class Drawn:
    """A figure, its title, and a description of what it shows."""

    figure: Figure
    title: str
    finding: str


@dataclass(frozen=True)
class Material:
    """A sweep as its figures see it. Nothing is trained; models are read from their folders.

    score_name: the score in words. results: result.json by run id, each with the id of its
    `evaluation`. folder: the files of a run, copied here from a remote store; None for a run whose
    files are gone.
    """

    rows: Sequence[RunRow]
    choice: Choice
    answer: "Answer | None" = None
    score_name: str = "score"
    data: "Dataset | None" = None
    results: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    folder: Callable[[RunRow], Path | None] = lambda row: row.folder

    def measured(self, row: RunRow, metric: str) -> Mapping[str, Any]:
        """A metric's results for a run; empty if not computed."""
        found = self.evaluation(row).get("measures") or {}
        return found.get(metric) or {}

    def evaluation(self, row: RunRow) -> Mapping[str, Any]:
        """The evaluation of the run's score; empty for a failed run."""
        result = self.results.get(row.run) or {}
        found: Mapping[str, Any] = (result.get("evaluations") or {}).get(
            result.get("evaluation"), {}
        )
        return found

    def learned(self, row: RunRow) -> Mapping[str, Any]:
        """What a finished run learned besides its networks, such as noise; empty if nothing.

        Results of earlier versions do not record it; then it is read from the model itself.
        """
        found = self.evaluation(row)
        if "learned" in found or row.state == "failed":
            return found.get("learned") or {}
        folder = self.folder(row)
        if folder is None or not (folder / MODEL_FILE).is_file():
            return {}
        from trainer.models import load_pack

        return {name: v[0].tolist() for name, v in load_pack([folder]).learned().items()}

    def representative(self, setting: SettingSummary) -> RunRow:
        """A typical run of a setting. Raises Lacking when none of its seeds finished."""
        if setting.representative is None:
            raise Lacking("no run finished, so there is no model to show")
        return setting.representative

    def model_folder(self, row: RunRow) -> Path:
        """The files of a trained model. Raises Lacking when they are gone."""
        folder = self.folder(row)
        if folder is None or not (folder / MODEL_FILE).is_file():
            raise Lacking(f"the model of run {row.run} was not kept, only its scores")
        return folder

    def images(self) -> "Dataset":
        """The data. Raises Lacking when not available."""
        if self.data is None:
            raise Lacking("the images of the sweep are not available")
        return self.data
