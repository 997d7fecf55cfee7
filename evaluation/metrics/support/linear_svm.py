"""Linear support vector machines on one input: thousands solved exactly at once, for SAP."""

from dataclasses import dataclass

import torch
from torch import Tensor

_STEPS = 100  # of Newton's method, at most; about ten are needed
_HALVINGS = 30


def fit_machines(x: Tensor, y: Tensor, C: float) -> tuple[Tensor, Tensor]:
    """Weights and biases, (columns, classes), of one-vs-rest SVMs on one input.

    x: (columns, n) float64; y: (n,) classes 0 .. classes - 1, each of which occurs.
    Each SVM minimises (w² + b²)/2 + sum_i C_i max(0, 1 - t_i (w x_i + b))², t = +1 on its class
    and -1 on the rest: scikit-learn's LinearSVC(C, class_weight="balanced"), bias penalty included.
    C_i is C n / (classes * size of the class) on the class; on the rest it is C, or with two
    classes the other class's.

    Only the points on one side of a threshold contribute to an SVM's loss. So with sorted x and
    cumulative sums of 1, x and x², a Newton step costs a binary search rather than a pass over n.
    """
    size = torch.bincount(y).double()
    classes = len(size)
    own_cost = C * len(y) / (classes * size)
    rest_cost = own_cost.flip(0) if classes == 2 else torch.full_like(size, C)

    padded = torch.full((len(x), classes, int(size.max())), torch.inf, dtype=x.dtype)
    for c in range(classes):
        padded[:, c, : int(size[c])] = x[:, y == c]
    everyone, members = _Sorted.of(x), _Sorted.of(padded.flatten(0, 1))

    def active(w: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        """Costs times sums (columns, classes, 3) of (1, x, x²) over own and other active points."""
        flat_w, flat_b = w.reshape(-1, 1), b.reshape(-1, 1)
        own = members.sums_below(flat_w, flat_b - 1).view(*w.shape, 3)  # w x + b < 1
        own_high = members.sums_below(-flat_w, -flat_b - 1).view(*w.shape, 3)  # w x + b > -1
        rest = everyone.sums_below(-w, -b - 1) - own_high
        return own * own_cost[:, None], rest * rest_cost[:, None]

    w = torch.zeros(len(x), classes, dtype=x.dtype)
    b = torch.zeros_like(w)
    own, rest = active(w, b)
    value = _loss(w, b, own, rest)
    for _ in range(_STEPS):
        d_w, d_b, slope = _newton_step(w, b, own, rest)
        if bool((slope <= 1e-15 * value).all()):
            break
        step = torch.ones_like(w)
        for _ in range(_HALVINGS):  # shorten steps that do not reduce the loss enough
            own, rest = active(w - step * d_w, b - step * d_b)
            after = _loss(w - step * d_w, b - step * d_b, own, rest)
            enough = after <= value - 1e-4 * step * slope + 1e-13 * value  # the last is rounding
            if bool(enough.all()):
                break
            step = torch.where(enough, step, step / 2)
        w, b, value = w - step * d_w, b - step * d_b, after
    return w, b


def _loss(w: Tensor, b: Tensor, own: Tensor, rest: Tensor) -> Tensor:
    """The loss of each SVM from its active sums; (1 - t f)² is (w x + b - t)²."""
    total = 0.5 * (w**2 + b**2)
    for sums, offset in ((own, b - 1), (rest, b + 1)):
        one, first, second = sums.unbind(-1)
        total = total + w**2 * second + 2 * w * offset * first + offset**2 * one
    return total


def _newton_step(w: Tensor, b: Tensor, own: Tensor, rest: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Newton's step in w and b on the quadratic piece at (w, b), and gradient times step."""
    one, first, second = (own + rest).unbind(-1)
    g_w = w + 2 * (w * second + b * first - own[..., 1] + rest[..., 1])
    g_b = b + 2 * (w * first + b * one - own[..., 0] + rest[..., 0])
    h_ww, h_wb, h_bb = 1 + 2 * second, 2 * first, 1 + 2 * one
    determinant = h_ww * h_bb - h_wb**2
    d_w = (h_bb * g_w - h_wb * g_b) / determinant
    d_b = (h_ww * g_b - h_wb * g_w) / determinant
    return d_w, d_b, d_w * g_w + d_b * g_b


@dataclass(frozen=True)
class _Sorted:
    """Rows of numbers in ascending order, with their cumulative sums.

    ordered: (rows, n), padded with infinity; count: (rows, 1) how many are finite.
    sums: (rows, n + 1, 3) of 1, x and x² over the first 0, 1, 2, ... numbers.
    """

    ordered: Tensor
    count: Tensor
    sums: Tensor

    @classmethod
    def of(cls, rows: Tensor) -> "_Sorted":
        ordered = rows.sort(dim=1).values
        finite = torch.where(ordered.isinf(), 0, ordered)
        terms = torch.stack([torch.ones_like(finite), finite, finite**2], dim=-1)
        sums = torch.nn.functional.pad(terms.cumsum(dim=1), (0, 0, 1, 0))
        return cls(ordered, ordered.isfinite().sum(dim=1, keepdim=True), sums)

    def sums_below(self, w: Tensor, b: Tensor) -> Tensor:
        """Sums (rows, q, 3) over the x of each row with w x + b < 0; w and b are (rows, q)."""
        count = self.count.expand_as(w)
        threshold = -b / torch.where(w == 0, 1, w)
        left = torch.searchsorted(self.ordered, threshold)
        right = torch.searchsorted(self.ordered, threshold, right=True).minimum(count)
        rising, falling = self._first(left), self._first(count) - self._first(right)
        level = torch.where((b < 0)[..., None], self._first(count), 0)
        return torch.where(
            (w > 0)[..., None], rising, torch.where((w < 0)[..., None], falling, level)
        )

    def _first(self, count: Tensor) -> Tensor:
        """Sums (rows, q, 3) over the first `count` (rows, q) numbers of each row."""
        return self.sums.gather(1, count[..., None].expand(-1, -1, 3))
