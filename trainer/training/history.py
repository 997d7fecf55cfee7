"""The history of training: averages of each model's terms over equal windows of steps."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainer.live_latents import LIVE

RECORDS = 200  # per run, about


class History:
    """Averages of every term over windows of max(1, steps // 200) steps.

    Terms stay on the device until a window is full, so that training waits for the device 200 times
    per run rather than at every step.

    failed: for each of the K models, the first step (from 1) whose loss was not finite, or None;
        known once the step's window is full.
    """

    def __init__(self, size: int, steps: int):
        self.every, self.steps = max(1, steps // RECORDS), steps
        self.failed: list[int | None] = [None] * size
        self._recorded: list[int] = []
        self._averages: dict[str, list[NDArray[np.float64]]] = {}  # term -> records of (K, ...)
        self._window: dict[str, Tensor] = {}  # term -> (every, K, ...)
        self._filled = 0

    def add(self, step: int, terms: Mapping[str, Tensor]) -> None:
        """Adds the terms (K, ...) of the step just done, `step` counting from 1."""
        for name, term in terms.items():
            if name not in self._window:
                self._window[name] = torch.zeros(self.every, *term.shape, device=term.device)
        rows = [self._window[name][self._filled] for name in terms]
        torch._foreach_copy_(rows, [term.detach() for term in terms.values()])  # one launch
        self._filled += 1
        if self._filled == self.every or step == self.steps:
            self._record(step)

    def latest(self, name: str) -> list[float | None]:
        """The last average of a term, one per model; None before the first, and if failed."""
        if not self._recorded:
            return [None] * len(self.failed)
        values = self._averages[name][-1].tolist()
        return [
            value if failed is None else None
            for value, failed in zip(values, self.failed, strict=True)
        ]

    def collapsed(self) -> list[bool]:
        """Whether none of a model's latents was in use in the last window, one per model.

        False before the first window, for objectives without a KL term, and for failed models.
        """
        records = self._averages.get("kl_per_latent", [])
        if not records:
            return [False] * len(self.failed)
        unused: list[bool] = np.all(records[-1] < LIVE, axis=1).tolist()
        return [u and failed is None for u, failed in zip(unused, self.failed, strict=True)]

    def table(self, model: int) -> dict[str, list[Any]]:
        """One model's records as in history.json, up to any failure."""
        failed = self.failed[model]
        valid = [i for i, step in enumerate(self._recorded) if failed is None or step < failed]
        table: dict[str, list[Any]] = {"step": [self._recorded[i] for i in valid]}
        for name, records in self._averages.items():
            table[name] = [records[i][model].tolist() for i in valid]
        return table

    def arrays(self, model: int) -> dict[str, Tensor]:
        """Everything that `load` needs to resume one model."""
        arrays = {"steps": torch.tensor(self._recorded, dtype=torch.int64)}
        for name, window in self._window.items():
            arrays[f"window.{name}"] = window[: self._filled, model]
        for name, records in self._averages.items():
            arrays[f"average.{name}"] = torch.from_numpy(np.stack(records)[:, model])
        return arrays

    def load(
        self,
        models: list[Mapping[str, Tensor]],
        failed: list[int | None],
        device: torch.device,
    ) -> None:
        """Resumes from the `arrays` and `failed` of each of the K models."""
        self.failed = list(failed)
        self._recorded = models[0]["steps"].tolist()
        for key in models[0]:
            kind, _, name = key.partition(".")
            stacked = [model[key] for model in models]
            if kind == "average":
                self._averages[name] = list(torch.stack(stacked, 1).numpy())
            elif kind == "window":
                filled = torch.stack(stacked, 1).to(device)
                self._filled = len(filled)
                self._window[name] = torch.zeros(self.every, *filled.shape[1:], device=device)
                self._window[name][: self._filled] = filled

    def _record(self, step: int) -> None:
        windows = {name: window[: self._filled].cpu() for name, window in self._window.items()}
        finite = windows["loss"].isfinite()
        for model, failed in enumerate(self.failed):
            if failed is None and not finite[:, model].all():
                before = step - self._filled
                self.failed[model] = before + 1 + int((~finite[:, model]).int().argmax())
        for name, window in windows.items():
            self._averages.setdefault(name, []).append(window.double().mean(0).numpy())
        self._recorded.append(step)
        self._filled = 0
