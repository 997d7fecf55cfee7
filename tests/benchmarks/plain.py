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
# channels of the convolutions and widths of the linear layers: Higgins et al. 2017, Table 1, for
# chairs, CelebA and 3D faces; Burgess et al. 2018, A.1
CONVOLUTIONAL = {"conv": ([32, 32, 64, 64], (256,)), "burgess": ([32] * 4, (256, 256))}


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
        if architecture in CONVOLUTIONAL:
            stages, hidden = CONVOLUTIONAL[architecture]
            side_4 = shape[1].bit_length() - 3  # stages that bring the side down to 4
            encoder, decoder = convolutional([shape[0], *stages[:side_4]], hidden, latents)
        elif architecture == "fc1200":
            encoder = fully_connected([pixels, 1200, 1200, 2 * latents], nn.ReLU)
            decoder = fully_connected([latents, 1200, 1200, 1200, pixels], nn.Tanh)
        else:
            encoder = fully_connected([pixels, 128, 128, 2 * latents], nn.ReLU)
            decoder = fully_connected([latents, 128, 128, pixels], nn.ReLU)
        convolves = architecture in CONVOLUTIONAL
        self.encoder = encoder if convolves else nn.Sequential(nn.Flatten(), encoder)
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


def convolutional(
    stages: list[int], hidden: tuple[int, ...], latents: int
) -> tuple[nn.Module, nn.Module]:
    """Convolutions of 4x4 and stride 2 down to 4x4 pixels, then linear layers; and the reverse.

    stages: channels of the image and of each convolution. hidden: widths of the linear layers.
    """
    last = stages[-1]
    encoder, deconvolutions = nn.Sequential(), nn.Sequential()
    for i in range(len(stages) - 1):
        encoder.extend([nn.Conv2d(stages[i], stages[i + 1], 4, 2, 1), nn.ReLU()])
    linear = fully_connected([last * 16, *hidden, 2 * latents], nn.ReLU)
    encoder.extend([nn.Flatten(), *linear.children()])
    for i in range(len(stages) - 1, 0, -1):
        deconvolutions.extend([nn.ConvTranspose2d(stages[i], stages[i - 1], 4, 2, 1), nn.ReLU()])
    linear = fully_connected([latents, *reversed(hidden), last * 16], nn.ReLU)
    return encoder, nn.Sequential(
        *linear, nn.ReLU(), nn.Unflatten(1, (last, 4, 4)), *deconvolutions[:-1].children()
    )


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
