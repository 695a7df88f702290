"""Beats of a piece of music, for cuts that fall on them; needs the extra ``audio`` (librosa)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from motion.errors import BadInput, need
from motion.rotations import Array

#: Sound is judged at this rate, samples per second: librosa's own.
RATE = 22_050

#: Below this root mean square of the samples, −80 dB of full scale, a file is silent.
SILENT = 1e-4


def beats_of(path: str | Path, *, start_s: float = 0.0, film_s: float = 0.0) -> Array:
    """Times of the beats in a sound file, seconds of the film.

    Args:
        path: any sound that librosa reads: wav, flac, ogg, mp3.
        start_s: where in the file the film's sound begins, seconds.
        film_s: when in the film the sound begins, seconds.

    Returns:
        ``(N,)`` in order, by the dynamic program over onsets of Ellis (Beat Tracking by Dynamic Programming, 2007).

    Raises:
        MissingExtra: librosa is not installed.
        BadInput: no such file, no sound in it, or a start beyond its end.
    """
    path = Path(path)
    if not path.is_file():
        raise BadInput(f"{path}: no such sound file")
    if not (np.isfinite(start_s) and start_s >= 0 and np.isfinite(film_s)):
        raise BadInput(f"{path}: beats from {start_s:g} s on, at {film_s:g} s of the film, expected times from 0 on")
    librosa = need("librosa", "audio", "finding beats")
    try:
        sound, rate = librosa.load(path, sr=RATE, mono=True, offset=start_s)
    except Exception as error:  # each of librosa's readers has errors of its own
        reason = str(error).strip().splitlines()
        raise BadInput(f"{path}: not a sound file that can be read ({reason[-1] if reason else error!r})") from error
    if len(sound) < rate // 2:
        raise BadInput(
            f"{path}: {len(sound) / rate:.2f} s of sound after {start_s:g} s, expected at least half a second"
        )
    if float(np.sqrt(np.mean(np.square(sound)))) < SILENT:
        raise BadInput(f"{path}: silent, no beats to cut on")
    _, beats = librosa.beat.beat_track(y=sound, sr=rate, units="time")
    return np.asarray(beats, dtype=np.float64) + film_s
