"""A training step as one CUDA graph: recorded once, then replayed without its many launches."""

import logging
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

WARM_UP = 3  # steps before one is recorded: optimisers make their moments, libraries their buffers

Step = Callable[..., Mapping[str, Tensor]]

_log = logging.getLogger(__name__)


def recorded(step: Step, device: torch.device) -> Step:
    """`step` itself on a CPU; on CUDA the same from a graph, after its first calls.

    step: (tensors) -> named tensors. What it depends on and what it changes must be tensors that
        stay where they are: its arguments, parameters, optimisers' states. No number that differs
        from call to call may be Python's, and none may come from the device or the host on the
        way. `tests/trainer/device/test_cuda_graph.py` checks every objective for that.
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
            return self._as_it_is(inputs)
        torch._foreach_copy_(self._inputs, inputs)
        self._graph.replay()
        return self._results

    def _as_it_is(self, inputs: tuple[Tensor, ...]) -> Mapping[str, Tensor]:
        """On the stream that will record, as torch asks of the calls before."""
        self._calls += 1
        here = torch.cuda.current_stream(self._device)
        self._stream.wait_stream(here)
        with torch.cuda.stream(self._stream):
            results = self._step(*inputs)
        here.wait_stream(self._stream)
        return results

    def _record(self, inputs: tuple[Tensor, ...]) -> None:
        """Nothing is computed meanwhile, so what fails to be recorded can be done as it is."""
        kept, graph = tuple(one.clone() for one in inputs), torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph, stream=self._stream, capture_error_mode="thread_local"):
                results = self._step(*kept)
        except torch.OutOfMemoryError:
            raise  # the pack is halved
        except RuntimeError as error:
            reason = str(error).splitlines()[0]
            _log.warning("steps are launched one by one, for none can be recorded: %s", reason)
            self._given_up = True
            return
        self._graph, self._inputs, self._results = graph, kept, results
