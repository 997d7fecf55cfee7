"""VAEs as people publish them: nn.Module, DataLoader, Adam and fp32, one model at a time."""

import time
from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, RandomSampler
from torch.utils.data import Dataset as Items

from trainer.data import Dataset

LEARNING_RATE, BETA = 1e-3, 4.0


class Images(Items):
    """Images in memory as bytes, given out one by one as float32."""

    def __init__(self, data: Dataset):
        self.pixels = torch.from_numpy(data.images(range(len(data))))

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, index: int) -> Tensor:
        return self.pixels[index].float()


class PlainVAE(nn.Module):
    """The architecture of that name, for 64x64 images where it convolves, as one model."""

    def __init__(self, architecture: str, shape: tuple[int, int, int], latents: int):
        super().__init__()
        encoder: nn.Module
        decoder: nn.Module
        pixels = shape[0] * shape[1] * shape[2]
        if architecture == "conv":
            encoder, decoder = convolutional(shape[0], latents)
        elif architecture == "fc1200":
            encoder = fully_connected([pixels, 1200, 1200, 2 * latents], nn.ReLU)
            decoder = fully_connected([latents, 1200, 1200, 1200, pixels], nn.Tanh)
        else:
            encoder = fully_connected([pixels, 128, 128, 2 * latents], nn.ReLU)
            decoder = fully_connected([latents, 128, 128, pixels], nn.ReLU)
        self.encoder = encoder if architecture == "conv" else nn.Sequential(nn.Flatten(), encoder)
        self.decoder, self.shape = decoder, shape

    def loss(self, x: Tensor) -> Tensor:
        """Higgins et al. 2017, Eq. 4, with a Bernoulli likelihood."""
        mu, logvar = self.encoder(x).chunk(2, -1)
        z = mu + (0.5 * logvar).exp() * torch.randn_like(mu)
        logits = self.decoder(z).reshape(-1, *self.shape)
        reconstruction = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
        kl = -0.5 * (1 + logvar - mu.square() - logvar.exp()).sum()
        return (reconstruction + BETA * kl) / len(x)


def fully_connected(widths: list[int], activation: type[nn.Module]) -> nn.Sequential:
    """Linear layers from each width to the next, with an activation between each two."""
    layers: list[nn.Module] = []
    for i, width in enumerate(widths[1:]):
        layers += [nn.Linear(widths[i], width), activation()]
    return nn.Sequential(*layers[:-1])


def convolutional(channels: int, latents: int) -> tuple[nn.Module, nn.Module]:
    """Higgins et al. 2017, Table 1, for chairs, CelebA and 3D faces."""
    stages = [channels, 32, 32, 64, 64]
    encoder, decoder = nn.Sequential(), nn.Sequential(nn.Linear(latents, 256), nn.ReLU())
    for i in range(4):
        encoder.extend([nn.Conv2d(stages[i], stages[i + 1], 4, 2, 1), nn.ReLU()])
    encoder.extend([nn.Flatten(), nn.Linear(1024, 256), nn.ReLU(), nn.Linear(256, 2 * latents)])
    decoder.extend([nn.Linear(256, 1024), nn.ReLU(), nn.Unflatten(1, (64, 4, 4))])
    for i in range(4, 0, -1):
        decoder.extend([nn.ConvTranspose2d(stages[i], stages[i - 1], 4, 2, 1), nn.ReLU()])
    return encoder, decoder[:-1]


class PlainLoop:
    """One model in its own loop."""

    def __init__(
        self,
        data: Dataset,
        architecture: str,
        latents: int,
        batch: int,
        device: str,
        clock: Callable[[], float] = time.perf_counter,
    ):
        torch.manual_seed(0)
        self.device, self.clock, images = device, clock, Images(data)
        sampler = RandomSampler(images, replacement=True, num_samples=10**9)
        self.batches: Iterator[Tensor] = iter(DataLoader(images, batch, sampler=sampler))
        self.model = PlainVAE(architecture, data.shape, latents).to(device)
        self.optimizer = torch.optim.Adam(self.model.parameters(), LEARNING_RATE)

    def seconds(self, steps: int) -> float:
        """Trains for `steps`; how long it took."""
        start = self.clock()
        for _ in range(steps):
            self.optimizer.zero_grad()
            self.model.loss(next(self.batches).to(self.device)).backward()
            self.optimizer.step()
        if self.device.startswith("cuda"):
            torch.cuda.synchronize()
        return self.clock() - start
