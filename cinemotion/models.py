"""What `cinemotion models` prints about the weights on this machine, and how sidecars name weights (`entry_of`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from motion import licences
from motion.prior import weights
from motion.prior.weights import Card, Found


def table() -> Iterator[str]:
    """Lines about every file of weights, the package's first."""
    found = weights.shipped()
    for one in found:
        yield from _lines(one)
    missing = [
        weights.file_name(family, kind)
        for family in weights.FAMILIES
        for kind in weights.KINDS
        if not any(one.path.name == weights.file_name(family, kind) for one in found)
    ]
    if not found:
        yield f"no weights on this machine; looked in {weights.shipped_folder()} and {weights.user_folder()}"
        yield "train some (`cinemotion train prior --data FOLDER --minutes 60 --out RUN`) or give a file with --model"
    elif missing:
        yield f"not here: {', '.join(missing)}"


def _lines(one: Found) -> Iterator[str]:
    if one.card is None:
        yield f"{one.path.name}: cannot be used: {one.trouble}"
        return
    card = one.card
    own = "" if one.path.parent == weights.shipped_folder() else f"  [{one.path}]"
    what = weights.KINDS[card.kind]
    yield f"{card.name} {card.kind} {card.version}: {what}; {_size(card)}, {_bytes(one)}{own}"
    yield f"  licence   {card.licence} ({licences.use(card.licence)})"
    yield f"  sha256    {card.sha256}"
    for line in card.data:
        yield f"  data      {line}"
    for slot, title in (("verb", "actions"), ("style", "styles")):
        if slot in card.knows:
            yield f"  {title:9} {', '.join(card.knows[slot]) or 'none by name'}"
    for line in measured(card.measured):
        yield f"  measured  {line}"
    for line in card.limits:
        yield f"  limits    {line}"


def _size(card: Card) -> str:
    return f"{card.parameters / 1e6:.1f} M parameters" if card.parameters >= 1e5 else f"{card.parameters} parameters"


def _bytes(one: Found) -> str:
    size = one.path.stat().st_size
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size / 1e3:.1f} kB"


def measured(table: Mapping[str, Any], of: str = "") -> Iterator[str]:
    """A card's measurements, one line for each split: ``blocks: R@3 0.61, KID 0.02``."""
    plain = {key: value for key, value in table.items() if not isinstance(value, Mapping)}
    if plain:
        said = ", ".join(
            f"{key} {value:.3g}" if isinstance(value, float) else f"{key} {value}" for key, value in plain.items()
        )
        yield f"{of}: {said}" if of else said
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from measured(value, f"{of} · {key}" if of else key)


def entry_of(card: Card, path: Path) -> dict[str, Any]:
    """How sidecars name the weights that made motion."""
    return {
        "name": card.name,
        "kind": card.kind,
        "version": card.version,
        "file": path.name,
        "sha256": card.sha256,
        "licence": card.licence,
        "data": list(card.data),
    }


def entry_of_pipeline(folder: Path, sha256: str) -> dict[str, Any]:
    """How sidecars name the pretrained pipeline that made final frames.

    Args:
        folder: of the pipeline, which was looked at.
        sha256: of all its files.
    """
    from render.refine.pretrained import ADAPTERS
    from render.refine.pretrained.folder import index, licence, pipeline_class

    return {
        "name": folder.resolve().name,
        "kind": "pipeline",
        "version": str(index(folder).get("_diffusers_version", "unknown")),
        "file": pipeline_class(folder, ADAPTERS),
        "sha256": sha256,
        "licence": licence(folder),
        "data": [],
    }
