"""`mitsuba`: Mitsuba with the variant that traces here: compiled by LLVM where that is found, else interpreted."""

from __future__ import annotations

import logging
import os
from functools import lru_cache
from types import ModuleType

from motion.errors import need, unknown
from render.path_tracer import llvm

FAST, PLAIN = "llvm_ad_rgb", "scalar_rgb"
_WHY = "the path tracer"
_MEND = (
    f"install LLVM {llvm.OLDEST} or newer (apt-get install libllvm19; brew install llvm), "
    f"or set {llvm.VARIABLE} to its library"
)


@lru_cache(maxsize=1)
def fastest() -> str:
    """The variant used when none is named; where that is the slow one, a warning says so, once."""
    library = llvm.newest()
    named = os.environ.get(llvm.VARIABLE)
    if library is not None:
        # Read when the compiler is opened, so before the variant is set.
        os.environ[llvm.VARIABLE] = str(library)
        mi, drjit = need("mitsuba", "pathtrace", _WHY), need("drjit", "pathtrace", _WHY)
        mi.set_variant(FAST)
        if drjit.has_backend(drjit.JitBackend.LLVM):
            return FAST
        why = f"{library} cannot be used"
    elif named:
        why = f"{llvm.VARIABLE}={named} is missing or too old"
    else:
        why = f"no LLVM {llvm.OLDEST} or newer was found"
    logging.getLogger("cinemotion").warning("path tracing several times slower, without a compiler: %s; %s", why, _MEND)
    return PLAIN


def mitsuba(variant: str | None = None) -> ModuleType:
    """Mitsuba with its variant set: the fastest that works here, or the one named.

    Raises:
        MissingExtra: Mitsuba is not installed.
        BadInput: it has no such variant.
    """
    mi = need("mitsuba", "pathtrace", _WHY)
    chosen = variant or fastest()
    if chosen not in mi.variants():
        raise unknown("variant of Mitsuba", chosen, [v for v in mi.variants() if v.endswith("_rgb")])
    if chosen.startswith("llvm") and variant is not None:
        fastest()  # finds the library
    mi.set_variant(chosen)
    return mi


def describe() -> dict[str, str]:
    """What traces here, in words: versions of Mitsuba and of the compiler, the variant.

    Raises:
        MissingExtra: Mitsuba is not installed.
    """
    mi, drjit = mitsuba(), need("drjit", "pathtrace", _WHY)
    found = {"mitsuba": str(mi.__version__), "drjit": str(drjit.__version__), "variant": str(mi.variant())}
    if mi.variant() == FAST:
        found["llvm"] = ".".join(map(str, drjit.detail.llvm_version()))
    return found


def use_threads(count: int) -> None:
    """Trace with so many threads; for processes that share a machine."""
    need("drjit", "pathtrace", _WHY).set_thread_count(count)
