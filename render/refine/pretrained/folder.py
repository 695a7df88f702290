"""`check_folder` and `load_pipeline`: a diffusers pipeline from a local folder, looked at before it is loaded.

Nothing is downloaded, no code of the folder is run and no pickle is read: weights are safetensors or they are refused.
"""

from __future__ import annotations

import contextlib
import inspect
import json
import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from motion.errors import BadInput, MissingExtra, need, unknown
from motion.licences import UNSTATED

_INDEX = "model_index.json"
#: Libraries whose classes a component may name; anything else would be code that came with the folder.
_LIBRARIES = ("diffusers", "transformers", "cosmos_guardrail")


def pipeline_class(folder: Path, known: Collection[str]) -> str:
    """The class that a folder's ``model_index.json`` names.

    Raises:
        BadInput: there is no such file, it is damaged, or its class is not one of ``known``.
    """
    name = index(folder).get("_class_name")
    if not isinstance(name, str):
        raise BadInput(f"{folder / _INDEX}: says no _class_name, expected one of {', '.join(known)}")
    if name not in known:
        raise BadInput(f"{folder / _INDEX}: {unknown('pipeline class', name, known)}")
    return name


def licence(folder: Path) -> str:
    """The licence that a folder's model card states (``license:`` in the head of its ``README.md``), or `UNSTATED`."""
    import yaml

    with contextlib.suppress(OSError, UnicodeDecodeError, yaml.YAMLError):
        parts = (folder / "README.md").read_text(encoding="utf-8").split("---", 2)
        head = yaml.safe_load(parts[1]) if len(parts) == 3 and not parts[0].strip() else None
        if isinstance(head, dict):
            said = head.get("license_name") or head.get("license")
            return str(said) if isinstance(said, str) and said.strip() else UNSTATED
    return UNSTATED


def check_folder(folder: Path, wanted: Collection[str], given: Collection[str] = ()) -> None:
    """Look whether every part of a pipeline is there and whole.

    Args:
        folder: of the pipeline.
        wanted: names of the components that its class cannot do without.
        given: components that are handed in from elsewhere and need not be in the folder.

    Raises:
        BadInput: the first part that is missing, damaged or not allowed; what it is and what was expected.
    """
    parts = index(folder)
    for name in wanted:
        if name not in given and not _named(parts.get(name)):
            raise BadInput(
                f"{folder / _INDEX}: component '{name}' is missing, expected with the folder {folder / name}"
            )
    for name, entry in parts.items():
        if name.startswith("_") or name in given or not _named(entry):
            continue
        library = str(entry[0])
        if library not in _LIBRARIES:
            raise BadInput(
                f"{folder / _INDEX}: component '{name}' is of '{library}', code that is not run; expected a class of "
                "diffusers or transformers"
            )
        _check_component(folder / name, name, str(entry[1]))


def load_pipeline(cls: Any, folder: Path, components: Mapping[str, Any], dtype: Any) -> Any:
    """The pipeline of a folder that was checked, without a look at any network.

    Raises:
        BadInput: a part cannot be read after all.
        MissingExtra: a part needs a package that is not installed.
    """
    try:
        with offline(), quiet():
            pipe = cls.from_pretrained(folder, local_files_only=True, use_safetensors=True, dtype=dtype, **components)
    except ImportError as error:
        words = "pip install cosmos_guardrail" if "cosmos_guardrail" in str(error) else _line(error)
        raise MissingExtra(f"{folder}: a component needs a package that is not installed: {words}") from error
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RuntimeError) as error:
        raise BadInput(f"{folder}: not a pipeline that can be loaded: {_line(error)}") from error
    for name, part in pipe.components.items():
        # Tensors that no file held are left without data, and diffusers only warns.
        tensors = part.named_parameters() if hasattr(part, "named_parameters") else ()
        empty = [key for key, value in tensors if value.is_meta]
        if empty:
            raise BadInput(
                f"{folder / name}: weights of component '{name}' lack {len(empty)} tensors, first {empty[0]}"
            )
    return pipe


def required(cls: Any) -> tuple[str, ...]:
    """Names of the components that a pipeline class cannot do without."""
    optional = set(getattr(cls, "_optional_components", ()))
    names = []
    for name, parameter in inspect.signature(cls.__init__).parameters.items():
        if name not in ("self", "args", "kwargs") and parameter.default is inspect.Parameter.empty:
            names.append(name)
    return tuple(name for name in names if name not in optional)


@contextlib.contextmanager
def offline() -> Iterator[None]:
    """The hub's client refuses every request meanwhile, whatever a library would like to look up."""
    constants: Any = need("huggingface_hub.constants", "diffusers", "a pretrained pipeline")
    was, environment = constants.HF_HUB_OFFLINE, os.environ.get("HF_HUB_OFFLINE")
    constants.HF_HUB_OFFLINE = True  # read once when the package was imported, so the variable alone is not enough
    os.environ["HF_HUB_OFFLINE"] = "1"
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = was
        if environment is None:
            del os.environ["HF_HUB_OFFLINE"]
        else:
            os.environ["HF_HUB_OFFLINE"] = environment


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """diffusers and transformers tell only their errors meanwhile: their advice is for who wrote the call."""
    from diffusers.utils import logging as diffusers_log
    from transformers.utils import logging as transformers_log

    was = [log.get_verbosity() for log in (diffusers_log, transformers_log)]
    bars = transformers_log.is_progress_bar_enabled()
    for log in (diffusers_log, transformers_log):
        log.set_verbosity_error()
        log.disable_progress_bar()
    try:
        yield
    finally:
        for log, level in zip((diffusers_log, transformers_log), was, strict=True):
            log.set_verbosity(level)
            if bars:
                log.enable_progress_bar()


def index(folder: Path) -> dict[str, Any]:
    """What a folder's ``model_index.json`` says.

    Raises:
        BadInput: there is none, or it is damaged.
    """
    if folder.is_file():
        raise BadInput(f"{folder}: a file, expected the folder of a diffusers pipeline, with {_INDEX} in it")
    if not folder.is_dir():
        raise BadInput(f"{folder}: no such folder, expected a diffusers pipeline on this machine; none is downloaded")
    path = folder / _INDEX
    if not path.is_file():
        if (folder / "config.json").is_file():
            raise BadInput(f"{folder}: one model, not a pipeline; expected the folder above it, with {_INDEX}")
        raise BadInput(f"{folder}: holds no {_INDEX}, expected the folder of a diffusers pipeline")
    found = _json(path)
    if not isinstance(found, dict):
        raise BadInput(f"{path}: holds {type(found).__name__}, expected an object")
    return found


def _named(entry: object) -> bool:
    """Whether an entry of the index names a component: a library and a class, both said."""
    return isinstance(entry, list) and len(entry) == 2 and all(isinstance(part, str) for part in entry)


def _check_component(folder: Path, name: str, cls: str) -> None:
    if not folder.is_dir():
        raise BadInput(f"{folder.parent}: component '{name}' is missing, expected the folder {folder} of a {cls}")
    config = _config_name(folder, cls)
    if config is None:
        return
    if not (folder / config).is_file():
        raise BadInput(f"{folder}: {config} of component '{name}' ({cls}) is missing")
    _json(folder / config)
    if config == "config.json":
        _check_weights(folder, name)


def _config_name(folder: Path, cls: str) -> str | None:
    """The file that describes a component, by its kind; None where the kind is not known."""
    if "Scheduler" in cls:
        return "scheduler_config.json"
    if "Tokenizer" in cls:
        return "tokenizer_config.json"
    if "Processor" in cls or "FeatureExtractor" in cls:
        return "preprocessor_config.json"
    return None if "SafetyChecker" in cls else "config.json"


def _check_weights(folder: Path, name: str) -> None:
    """One file of weights, or all the shards that an index names, each whole."""
    indexes = sorted(folder.glob("*.safetensors.index.json"))
    found = sorted(folder.glob("*.safetensors"))
    if indexes:
        shards = _json(indexes[0]).get("weight_map", {})
        found = [folder / shard for shard in sorted(set(shards.values()))]
    if not found:
        pickles = sorted(p.name for p in folder.glob("*.bin"))
        if pickles:
            raise BadInput(f"{folder}: {pickles[0]} is a pickle, which may run code; expected .safetensors")
        raise BadInput(f"{folder}: weights of component '{name}' are missing, expected a .safetensors file")
    for path in found:
        if not path.is_file():
            raise BadInput(f"{folder}: {path.name} of component '{name}' is missing, named by {indexes[0].name}")
        _check_whole(path)


def _check_whole(path: Path) -> None:
    import safetensors

    try:
        with safetensors.safe_open(path, framework="np") as file:
            file.keys()
    except (safetensors.SafetensorError, OSError) as error:
        raise BadInput(f"{path}: weights that are damaged or cut short ({_line(error)})") from error


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput(f"{path}: not JSON that can be read ({_line(error)})") from error


def _line(error: BaseException) -> str:
    """An error's text in one line, not too long."""
    text = " ".join(str(error).split())
    return text if len(text) <= 240 else text[:237] + "…"
