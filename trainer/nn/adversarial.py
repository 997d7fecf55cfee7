"""The two players of InfoGAN, made from the encoder and the decoder of any architecture."""

import torch.nn.functional as F
from torch import Tensor, nn

from trainer.nn.layers import PackedLinear


class Generator(nn.Module):
    """A decoder of `codes` codes, the regularised ones first."""

    def __init__(self, decoder: nn.Module, codes: int):
        super().__init__()
        self.decoder, self.codes = decoder, codes

    def forward(self, codes: Tensor) -> Tensor:
        """(K, n, M) -> (K, n, C, H, W); missing noise codes are at their mean, 0."""
        return self.decoder(F.pad(codes, (0, self.codes - codes.shape[2])))


class Discriminator(nn.Module):
    """An encoder as recognition network Q; D is a second head on all modules except its last."""

    def __init__(self, encoder: nn.Sequential, size: int):
        super().__init__()
        self.shared, self.recognition = encoder[:-1], encoder[-1]
        features = next(self.recognition.parameters()).shape[1]
        self.verdict = PackedLinear(size, features, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Images (K, n, C, H, W) -> means and log-variances of Q(c|x), (K, n, 2 M)."""
        return self.recognition(self.shared(x))

    def judge(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The output of `forward`, and the logits of D(x) that x is real, (K, n)."""
        features = self.shared(x)
        return self.recognition(features), self.verdict(features).squeeze(2)
