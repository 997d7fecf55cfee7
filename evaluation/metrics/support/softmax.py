"""Linear softmax classifiers trained by full-batch Adagrad, many independent problems at once."""

import torch
from torch import Tensor

LEARNING_RATE = 1e-2  # Higgins et al. 2017, A.4
# Adagrad's steps do not depend on the size of the gradient, so at a given rate the size of
# the features determines how many steps it takes to a minimum. With points of this length,
# logits of ten are reached within a few hundred steps and first steps do not overshoot, for any
# number of features.
_LENGTH = 30.0
_INITIAL = 3e-3  # standard deviation of the first weights; logits then start at about 0.1
_CHECK = 50  # steps between checks of the loss


def standardise(train: Tensor, test: Tensor) -> tuple[Tensor, Tensor]:
    """Non-negative features (B, n, D), scaled by mean and sd of each problem's training points.

    Every feature gets the same sd, such that points have a length of about 30; one that is constant
    in training becomes 0. A column of ones, scaled likewise, is appended: (B, n, D + 1). So a
    classifier is invariant to rescaling features.
    """
    largest = train.amax(dim=1, keepdim=True)  # removed first: squares of tiny numbers would vanish
    unit = torch.where(largest > 0, largest, 1.0)
    train, test = train / unit, test / unit
    mean, sd = train.mean(dim=1, keepdim=True), train.std(dim=1, keepdim=True)
    scale = torch.where(sd > 1e-6, _LENGTH / train.shape[2] ** 0.5 / sd, 0.0)
    return _with_ones((train - mean) * scale), _with_ones((test - mean) * scale)


def initial_weights(features: int, classes: int, generator: torch.Generator) -> Tensor:
    """Small normal weights (classes, features) to start from."""
    return _INITIAL * torch.randn(classes, features, generator=generator)


def fit(
    x: Tensor, y: Tensor, weights: Tensor, tolerance: float = 5e-4, most_steps: int = 2000
) -> Tensor:
    """Minimises the mean negative log-likelihood of y given softmax(weights x) for each problem.

    x: points (B, n, D). y: their classes (B, n). weights: (B, C, D) to start from.
    A problem stops, independently of others, when its loss fell by less than `tolerance` nats in 50
    steps, or after `most_steps`. Separable problems have no minimum; they stop as their loss nears
    0. Returns the weights (B, C, D).
    """
    x = x.transpose(1, 2).contiguous()  # points last: all operations below run along them
    points = x.shape[2]
    targets = torch.nn.functional.one_hot(y, weights.shape[1]).to(x.dtype) / points
    pull = (x @ targets).transpose(1, 2)  # the part of the gradient that does not change
    final, left = weights.clone(), torch.arange(len(x), device=x.device)
    weights, squares = weights.clone(), torch.zeros_like(weights)
    before = torch.full((len(x),), torch.inf, device=x.device)
    for step in range(most_steps):
        logits = weights @ x
        if step % _CHECK == 0:
            likelihood = logits.gather(1, y.unsqueeze(1)).squeeze(1) - logits.logsumexp(dim=1)
            loss = -likelihood.mean(dim=1)
            going = before - loss >= tolerance
            if not going.all():
                final[left] = weights
                left, x, y, pull = left[going], x[going], y[going], pull[going]
                weights, squares, logits = weights[going], squares[going], logits[going]
            before = loss[going]
            if len(left) == 0:
                return final
        gradient = logits.softmax(dim=1) @ x.transpose(1, 2) / points - pull
        squares += gradient.square()
        weights -= LEARNING_RATE * gradient / (squares.sqrt() + 1e-10)
    final[left] = weights
    return final


def accuracy(x: Tensor, y: Tensor, weights: Tensor) -> Tensor:
    """Share (B,) of points x (B, n, D) whose class y (B, n) has the largest logit."""
    predicted = (x @ weights.transpose(1, 2)).argmax(dim=2)
    return (predicted == y).double().mean(dim=1)


def _with_ones(x: Tensor) -> Tensor:
    ones = torch.full_like(x[..., :1], _LENGTH / x.shape[2] ** 0.5)
    return torch.cat([x, ones], dim=2)
