"""A training step as one CUDA graph: recorded once, then replayed without its many launches."""

import logging
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

WARM_UP = 3  # steps before recording: optimisers create their moments, libraries their buffers

Step = Callable[..., Mapping[str, Tensor]]

_log = logging.getLogger(__name__)


def recorded(step: Step, device: torch.device) -> Step:
    """`step` itself on a CPU; on CUDA, after the first calls, a graph that does the same.

    step: (tensors) -> named tensors. What it depends on and what it changes must be tensors with
        fixed addresses: its arguments, parameters, optimisers' states. No number that differs
        between calls may be a Python number, or move between device and host within it.
        `tests/trainer/device/test_cuda_graph.py` checks this for every objective.
    """
    return _Graph(step, device) if device.type == "cuda" else step


class _Graph:
    """See `recorded`. Its results are overwritten by the next call."""

    def __init__(self, step: Step, device: torch.device):
        self._step, self._device = step, device
        self._stream = torch.cuda.Stream(device)
        self._calls, self._given_up = 0, False
        self._graph: torch.cuda.CUDAGraph | None = None
        self._inputs: tuple[Tensor, ...] = ()
        self._results: Mapping[str, Tensor] = {}

    def __call__(self, *inputs: Tensor) -> Mapping[str, Tensor]:
        if self._graph is None and self._calls >= WARM_UP and not self._given_up:
            self._record(inputs)
        if self._graph is None:
            return self._eagerly(inputs)
        torch._foreach_copy_(self._inputs, inputs)
        self._graph.replay()
        return self._results

    def _eagerly(self, inputs: tuple[Tensor, ...]) -> Mapping[str, Tensor]:
        """On the recording stream, as torch requires of calls before the recording."""
        self._calls += 1
        here = torch.cuda.current_stream(self._device)
        self._stream.wait_stream(here)
        with torch.cuda.stream(self._stream):
            results = self._step(*inputs)
        here.wait_stream(self._stream)
        return results

    def _record(self, inputs: tuple[Tensor, ...]) -> None:
        """Recording computes nothing, so a step that cannot be recorded can still be run."""
        kept, graph = tuple(one.clone() for one in inputs), torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph, stream=self._stream, capture_error_mode="thread_local"):
                results = self._step(*kept)
        except torch.OutOfMemoryError:
            raise  # the pack is halved
        except RuntimeError as error:
            reason = str(error).splitlines()[0]
            _log.warning(
                "steps are launched one by one because they cannot be recorded: %s", reason
            )
            self._given_up = True
            return
        self._graph, self._inputs, self._results = graph, kept, results
