"""`Tokenizer`: clips to `Tokens` and back, compact files, and `Shelf`: captured motion found again by its tokens.

    tokenizer = Tokenizer.load("base")
    tokens = tokenizer.encode(clip)
    tokens.save("walk.tokens")                           # about a hundred bytes a second of motion
    clip = tokenizer.decode(Tokens.load("walk.tokens"))

A token is four frames at 30 fps: a few codes, each refining those before it. Where the performer stands is kept beside
the codes, or small errors of speed would add up to metres.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import torch
from torch import Tensor

from motion import contacts, edit, files
from motion.clip import Clip
from motion.corpus import FPS
from motion.errors import BadInput
from motion.prior import features, weights
from motion.prior.constraints import JOINTS
from motion.prior.features import Track
from motion.prior.filled import filled
from motion.prior.vqvae_net import STRIDE, Config, Network, hidden, seen, shown, walked

#: Of the layout of token files.
FORMAT = 1
_STEP_M, _STEP_RAD = 1e-3, 1e-4  # what the places beside the codes are rounded to


@dataclass(frozen=True)
class Tokens:
    """Motion as codes, and where it stands when each token begins."""

    codes: np.ndarray  # (N, levels) uint16
    places: np.ndarray  # (N, 3) float64: path x, z in metres, yaw in radians, at the token's first frame
    frames: int  # at 30 fps; the last token may hold fewer than four
    model: str = ""  # hash of the weights that made the codes
    licence: str = ""  # of the motion

    def __post_init__(self) -> None:
        codes, places = np.asarray(self.codes), np.asarray(self.places, dtype=np.float64)
        if codes.ndim != 2 or len(codes) == 0 or not np.issubdtype(codes.dtype, np.integer):
            raise BadInput(f"tokens: codes {codes.dtype} {codes.shape}, expected integers (tokens, levels)")
        if places.shape != (len(codes), 3) or not np.isfinite(places).all():
            raise BadInput(f"tokens: places {places.shape}, expected finite ({len(codes)}, 3)")
        if not STRIDE * (len(codes) - 1) < self.frames <= STRIDE * len(codes):
            raise BadInput(f"tokens: {len(codes)} of them for {self.frames} frames")
        object.__setattr__(self, "codes", codes.astype(np.uint16))
        object.__setattr__(self, "places", places)

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def seconds(self) -> float:
        return self.frames / FPS

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a small file, whole or not at all: ten bits a code, the places to a millimetre."""
        import safetensors.numpy

        bits = (self.codes[..., None] >> np.arange(10) & 1).astype(np.uint8)
        # Differences of rounded places, so that errors do not add up.
        rounded = np.round(self.places / [_STEP_M, _STEP_M, _STEP_RAD]).astype(np.int64)
        steps = np.diff(rounded, axis=0, prepend=rounded[:1])
        kind = np.int16 if np.abs(steps).max(initial=0) < 2**15 else np.int32
        # The library writes memory as it lies: arrays have to lie in order.
        steps = np.ascontiguousarray(steps.astype(kind))
        arrays = {"codes": np.packbits(bits), "steps": steps, "first": rounded[0].copy()}
        about = {"format": FORMAT, "tokens": len(self), "levels": self.codes.shape[1], "frames": self.frames,
                 "model": self.model, "licence": self.licence}  # fmt: skip
        with files.whole(path) as partial:
            partial.write_bytes(safetensors.numpy.save(arrays, {"tokens": json.dumps(about, ensure_ascii=False)}))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Tokens:
        """Read a token file.

        Raises:
            BadInput: not a token file, truncated, or of another version.
        """
        import safetensors.numpy

        raw = files.read(path, "token file")
        try:
            arrays = safetensors.numpy.load(raw)
            header = json.loads(raw[8 : 8 + int.from_bytes(raw[:8], "little")])
            about = json.loads(header["__metadata__"]["tokens"])
            version = about["format"]
            if version == FORMAT:
                shape = (int(about["tokens"]), int(about["levels"]), 10)
                bits = np.unpackbits(arrays["codes"])[: shape[0] * shape[1] * 10].reshape(shape).astype(np.uint16)
                codes = (bits << np.arange(10, dtype=np.uint16)).sum(-1).astype(np.uint16)
                rounded = arrays["first"] + np.cumsum(arrays["steps"].astype(np.int64), axis=0)
                return cls(
                    codes, rounded * np.array([_STEP_M, _STEP_M, _STEP_RAD]), int(about["frames"]),
                    str(about["model"]), str(about["licence"]),
                )  # fmt: skip
        except BadInput as error:
            raise BadInput(f"{path}: {error}") from None
        except Exception as error:  # the library's own error class is no part of its interface
            raise BadInput(f"{path}: not a token file ({' '.join(str(error).split())})") from None
        raise BadInput(f"{path}: a token file of format {version}, this version of Cinemotion reads format {FORMAT}")


class Tokenizer:
    """A trained token network and its card."""

    def __init__(self, network: Network, card: weights.Card) -> None:
        self.network, self.card = network.eval(), card

    @classmethod
    def load(cls, name_or_path: str | os.PathLike[str] = "base") -> Tokenizer:
        """Weights by name, or from a file or a training folder.

        Raises:
            BadInput: there are none, or the file is damaged or of another kind or version.
        """
        path = weights.find(name_or_path, "tokens")
        tensors, card = weights.load(path, "tokens")
        return cls(filled(path, lambda t: Network(t["bones.offsets"], Config(**card.config)), tensors), card)

    def save(self, path: str | os.PathLike[str]) -> weights.Card:
        """Write weights and card to a ``.safetensors`` file; gives the card as written."""
        self.card = weights.save(path, self.network.state_dict(), self.card)
        return self.card

    @property
    def rest_offsets(self) -> np.ndarray:
        """``(24, 3)`` metres: the skeleton of every clip that comes out."""
        return self.network.bones.offsets.numpy().astype(np.float64)

    @torch.inference_mode()
    def encode(self, clip: Clip, levels: int | None = None) -> Tokens:
        """The tokens of a clip of any rate and proportions.

        Args:
            clip: the performance.
            levels: how many codes a token keeps; None: all.
        """
        most = self.network.config.levels
        keep = most if levels is None else levels
        if not 1 <= keep <= most:
            raise BadInput(f"levels: {levels}, expected 1 to {most}")
        track, valid = self._track(clip)
        x = seen(track)
        frames = len(x)
        x = torch.cat([x, x[-1:].expand(-frames % STRIDE, -1)])[None]
        z = self.network.encode(hidden(x, valid[None], self.network.mean))
        codes = self.network.quantiser(z)[0][0, :, :keep]
        yaw = np.unwrap(torch.atan2(track.heading[:, 1], track.heading[:, 0]).double().numpy())
        places = np.concatenate([track.path.double().numpy(), yaw[:, None]], axis=1)[::STRIDE]
        return Tokens(codes.numpy(), places, frames, self.card.sha256, clip.provenance.licence or "")

    @torch.inference_mode()
    def decode(self, tokens: Tokens) -> Clip:
        """The clip that tokens stand for, at 30 fps, on this model's skeleton.

        Raises:
            BadInput: the tokens were made by other weights.
        """
        self.check_mine(tokens)
        written = self.network.decode(self.vectors(tokens.codes)[None])[0]
        yaw, path = self._walk(written, tokens.places)
        track = shown(written, yaw, path, self.network.bones.offsets)
        licence = weights.licence_of([name for name in (tokens.licence, self.card.licence) if name])
        made = replace(self.card.provenance(), licence=licence)
        clip = features.to_clip(track, made)
        frames = slice(0, tokens.frames)
        on = None if clip.contacts is None else replace(clip.contacts, on=clip.contacts.on[frames])
        return replace(clip, rotations=clip.rotations[frames], root_position=clip.root_position[frames], contacts=on)

    def check(self, codes: np.ndarray) -> None:
        """Refuse codes that this network does not have.

        Raises:
            BadInput: too many levels, or a code past the last one.
        """
        c = self.network.config
        if codes.shape[-1] > c.levels or (codes.size and int(codes.max()) >= c.codes):
            raise BadInput(
                f"tokens: {codes.shape[-1]} levels of codes up to {int(codes.max(initial=0))}, expected at most "
                f"{c.levels} levels of codes below {c.codes}"
            )

    def check_mine(self, tokens: Tokens) -> None:
        """Refuse tokens of other weights: their codes mean other motion.

        Raises:
            BadInput: the tokens were made by other weights, or have codes that this network does not.
        """
        if tokens.model and self.card.sha256 and tokens.model != self.card.sha256:
            raise BadInput(f"tokens: made by weights {tokens.model[:12]}…, these are {self.card.sha256[:12]}…")
        self.check(tokens.codes)

    def vectors(self, codes: np.ndarray | Tensor) -> Tensor:
        """What codes ``(N, levels)`` stand for, ``(N, size)``."""
        return self.network.quantiser.look_up(torch.as_tensor(np.asarray(codes).astype(np.int64)))

    def _track(self, clip: Clip) -> tuple[Track, Tensor]:
        """A clip on this model's skeleton at 30 fps."""
        scale = contacts.size_of(self.rest_offsets) / contacts.size_of(clip.rest_offsets)
        clip = edit.resample(clip, Fraction(FPS))
        valid = torch.from_numpy(clip.valid[:JOINTS].copy())
        clip = replace(clip, root_position=clip.root_position * scale, rest_offsets=self.rest_offsets)
        return features.of_clip(clip, self.network.bones.offsets), valid

    def _walk(self, written: Tensor, places: np.ndarray) -> tuple[Tensor, Tensor]:
        """Yaw and path of every frame: as the codes walk, led back to the places by the end of each token."""
        at = torch.as_tensor(places, dtype=torch.float64)
        rate, velocity = written[:, 0].double(), written[:, 1:3].double()
        count = len(at)
        yaw, path = walked(rate.view(count, STRIDE), velocity.view(count, STRIDE, 2), at[:, 2], at[:, :2])
        # What is missing at the next token's place is spread over the four frames before it.
        share = torch.arange(STRIDE + 1, dtype=torch.float64) / STRIDE
        miss_yaw = torch.cat([at[1:, 2] - yaw[:-1, -1], at.new_zeros(1)])
        miss_path = torch.cat([at[1:, :2] - path[:-1, -1], at.new_zeros(1, 2)])
        yaw = yaw + share * miss_yaw[:, None]
        path = path + share[:, None] * miss_path[:, None]
        return yaw[:, :-1].flatten().float(), path[:, :-1].flatten(0, 1).float()


# ---- finding motion again


@dataclass(frozen=True)
class Found:
    """A stretch of shelved motion."""

    name: str
    start_s: float
    distance: float  # 0: the same tokens; 1: as far as two stretches of the shelf picked at random


class Shelf:
    """Token sequences by name; finds the stretches that move most like a given one.

    Args:
        tokenizer: the weights that made the tokens.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._names: list[str] = []
        self._vectors: list[np.ndarray] = []

    def __len__(self) -> int:
        return len(self._names)

    def add(self, name: str, tokens: Tokens) -> None:
        """Put motion on the shelf."""
        self._tokenizer.check_mine(tokens)
        self._names.append(name)
        self._vectors.append(self._tokenizer.vectors(tokens.codes).numpy())

    def find(self, tokens: Tokens, count: int = 5) -> list[Found]:
        """The nearest stretches as long as ``tokens``, one of each sequence at most, nearest first.

        Sequences that are shorter are compared whole, with the part of ``tokens`` that fits best.
        """
        if not self._names:
            return []
        self._tokenizer.check_mine(tokens)
        query = self._tokenizer.vectors(tokens.codes).numpy()
        everything = np.concatenate(self._vectors)
        usual = 2.0 * float(everything.var(0).sum()) or 1.0
        found = []
        for name, vectors in zip(self._names, self._vectors, strict=True):
            start, distance = _best_match(vectors, query)
            found.append(Found(name, start * STRIDE / FPS, distance / usual))
        return sorted(found, key=lambda f: (f.distance, f.name))[: max(count, 0)]


def _best_match(vectors: np.ndarray, query: np.ndarray) -> tuple[int, float]:
    """Where ``query`` lies nearest in ``vectors`` (or the other way round), and the mean squared distance there."""
    swapped = len(query) > len(vectors)
    long, short = (query, vectors) if swapped else (vectors, query)
    windows = np.lib.stride_tricks.sliding_window_view(long, len(short), axis=0)  # (M, size, n)
    cross = np.einsum("mdn,nd->m", windows, short)
    square = np.convolve((long**2).sum(1), np.ones(len(short)), "valid")
    distance = np.maximum(square - 2 * cross + float((short**2).sum()), 0.0) / len(short)
    best = int(distance.argmin())
    return (0 if swapped else best), float(distance[best])
