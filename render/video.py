"""Video files in and out through PyAV: `VideoWriter` (H.264, lossless, ProRes) and `read_frames`.

Pictures are sRGB-encoded RGB. H.264 and ProRes store them as Y'CbCr with the BT.709 matrix in video range and say so
in their colour tags, in the stream and in the container, so that players do not guess BT.601 or full range.
The same frames give the same bytes on the same PyAV build: the number of encoder threads is fixed, and nothing that
changes from run to run (dates, random identifiers) is written.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from motion.errors import BadInput, MissingSystem, unknown
from motion.files import explain, whole
from motion.rate import RateError, exact
from render.frame import check_size

#: Rates beyond these do not fit the containers' 32-bit clocks.
_MAX_RATE_TERM = 10_000_000
#: ITU-T H.273 code 1: BT.709, for primaries, transfer and matrix alike.
_BT709 = 1


@dataclass(frozen=True)
class Codec:
    """How one kind of file is written."""

    encoder: str  # FFmpeg's name
    suffixes: tuple[str, ...]  # the first is the usual one
    pixels: tuple[str, str]  # stored pixel format for 8-bit and for 16-bit pictures
    with_alpha: tuple[str, str] | None = None  # the same for pictures with alpha; None: it keeps none
    options: dict[str, str] = field(default_factory=dict)
    even: bool = False  # chroma is halved: sides must be even


CODECS: dict[str, Codec] = {
    # High quality for people: 4:2:0 plays everywhere. Without mbtree: its SIMD code reads past small pictures'
    # statistics, so that 1 to 20 of 100 encodes of 192x108 and less differed.
    "h264": Codec(
        "libx264",
        (".mp4", ".m4v", ".mov", ".mkv"),
        ("yuv420p", "yuv420p"),
        None,
        {"x264-params": "mbtree=0"},
        even=True,
    ),
    # FFV1 version 3 (RFC 9043), each frame by itself, with checksums: bit-exact RGB, what archives keep.
    "lossless": Codec(
        "ffv1",
        (".mkv", ".mov"),
        ("bgr0", "gbrp16le"),
        ("bgra", "gbrap16le"),
        {"level": "3", "slices": "4", "slicecrc": "1", "g": "1"},
    ),
    # ProRes 4444: 10 bits, no chroma subsampling, for editing and grading.
    "prores": Codec(
        "prores_ks",
        (".mov",),
        ("yuv444p10le", "yuv444p10le"),
        ("yuva444p10le", "yuva444p10le"),
        {"profile": "4444", "vendor": "apl0"},
    ),
}
_CONTAINERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska"}


def codec_for(path: str | Path, codec: str | None = None) -> str:
    """The codec for a file name, checked: ``film.mov`` alone means ProRes, ``.mkv`` lossless, ``.mp4`` H.264.

    Raises:
        BadInput: the suffix or the codec is unknown, or the two do not go together.
    """
    suffix = Path(path).suffix.lower()
    if codec is not None and codec not in CODECS:
        raise unknown("video codec", codec, CODECS)
    if suffix not in _CONTAINERS:
        known = CODECS[codec].suffixes if codec else _CONTAINERS
        raise BadInput(f"{path}: {unknown('video suffix', suffix, known)}")
    if codec is None:
        return {".mov": "prores", ".mkv": "lossless"}.get(suffix, "h264")
    if suffix not in CODECS[codec].suffixes:
        fits = [name for name, c in CODECS.items() if suffix in c.suffixes]
        raise BadInput(
            f"{path}: {codec} video does not go into a {suffix} file, expected {' or '.join(CODECS[codec].suffixes)}"
            f" (or {' or '.join(fits)} for {suffix})"
        )
    return codec


def check_fps(fps: Fraction | int | float | str) -> Fraction:
    """Frames per second as an exact fraction, refused when not positive or not storable."""
    try:
        rate = exact(fps)
    except RateError as error:
        raise BadInput(str(error)) from None
    if rate.numerator > _MAX_RATE_TERM or rate.denominator > _MAX_RATE_TERM or rate > 1000:
        near = rate.limit_denominator(1001)
        raise BadInput(f"{fps} frames per second cannot be stored exactly in a video file; the nearest is {near}")
    return rate


class VideoWriter:
    """Writes frames to one video file, which appears whole when the ``with`` block ends and not at all on an error.

    H.264 halves its colour planes, so its sides must be even: an odd side gets its last row or column once more
    (`stored_size` says the result). Lossless and ProRes keep any size.

    Args:
        path: the file; its suffix must fit the codec (`CODECS`).
        size: width and height in pixels, 1 to 16384.
        fps: exact frame rate; frame k is shown at k / fps.
        codec: ``"h264"``, ``"lossless"`` (FFV1, bit-exact RGB) or ``"prores"`` (4444); None: by the suffix.
        crf: H.264's constant rate factor, 0 (lossless YCbCr) to 51; 16 can hardly be told from the original.
        preset: H.264's speed, ``"ultrafast"`` to ``"veryslow"``. Measured at 720p on rendered grass: ``"veryfast"``
            24 ms of processor time a frame and 43.0 dB, ``"faster"`` 35 and 43.2, ``"medium"`` 53 and 43.5.
        depth: bits per channel that will be written: 8 (uint8 frames) or 16 (uint16 frames; lossless and ProRes).
        alpha: frames have a fourth channel, straight alpha (lossless and ProRes), for compositing.
        threads: encoder threads. A part of what the bytes depend on, so it does not follow the machine.

    Raises:
        BadInput: size, rate, codec, suffix or a frame's shape is wrong, or the place cannot be written to.
        MissingSystem: the disk is full, or this build of PyAV lacks the encoder.

    Example:
        >>> with VideoWriter("film.mp4", (1280, 720), Fraction(24)) as video:  # doctest: +SKIP
        ...     for frame in frames:
        ...         video.write(frame)
    """

    def __init__(
        self,
        path: str | Path,
        size: tuple[int, int],
        fps: Fraction | int | float | str,
        codec: str | None = None,
        *,
        crf: float = 16.0,
        preset: str = "faster",
        depth: int = 8,
        alpha: bool = False,
        threads: int = 4,
    ) -> None:
        self.path = Path(path)
        self.codec = codec_for(path, codec)
        self.size = check_size(size)
        self.fps = check_fps(fps)
        self._kind = CODECS[self.codec]
        if depth not in (8, 16) or (depth == 16 and self.codec == "h264"):
            allowed = "8" if self.codec == "h264" else "8 or 16"
            raise BadInput(f"{path}: {depth} bits per channel, expected {allowed} for {self.codec} video")
        if alpha and self._kind.with_alpha is None:
            raise BadInput(f"{path}: {self.codec} video keeps no alpha, expected lossless or prores")
        if not 0 <= crf <= 51:
            raise BadInput(f"{path}: crf {crf}, expected 0 to 51")
        if preset not in _PRESETS:
            raise unknown("H.264 preset", preset, _PRESETS)
        self._depth = depth
        self._channels = 4 if alpha else 3
        self._stored = ((alpha and self._kind.with_alpha) or self._kind.pixels)[depth == 16]
        self._options = dict(self._kind.options)
        if self.codec == "h264":
            self._options.update(crf=f"{crf:g}", preset=preset)
        if self.codec == "lossless" and min(self.size) < 16:
            self._options["slices"] = "1"  # FFV1 refuses more slices than rows or columns
        self._threads = threads
        width, height = self.size
        self.stored_size = (width + width % 2, height + height % 2) if self._kind.even else self.size
        self.frames = 0  # written so far
        self._session: contextlib.AbstractContextManager[None] | None = None
        self._container: Any = None
        self._stream: Any = None

    def __enter__(self) -> VideoWriter:
        self._session = self._open()
        self._session.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.__exit__(kind, error, trace)

    @contextlib.contextmanager
    def _open(self) -> Iterator[None]:
        """The file being written, from the first byte to the rename."""
        import av

        container_name = _CONTAINERS[self.path.suffix.lower()]
        options = {"fflags": "+bitexact"}
        if container_name in ("mp4", "mov"):
            options["movflags"] = "+faststart"
        with whole(self.path) as partial:
            try:
                self._container = av.open(str(partial), "w", format=container_name, container_options=options)
                try:
                    self._stream = self._add_stream()
                    yield
                    if self.frames == 0:
                        raise BadInput(f"{self.path}: no frames were written, expected at least one")
                    self._container.mux(self._stream.encode(None))
                except BaseException:
                    with contextlib.suppress(av.FFmpegError, OSError):
                        self._container.close()
                    raise
                self._container.close()
            except av.FFmpegError as error:
                raise explain(self.path, error) from error

    def _add_stream(self) -> Any:
        import av

        try:
            av.Codec(self._kind.encoder, "w")
        except ValueError as error:
            wheel = "the wheel from PyPI has it (pip install --force-reinstall --only-binary av av)"
            raise MissingSystem(f"this build of PyAV has no encoder '{self._kind.encoder}'; {wheel}") from error
        stream: Any = self._container.add_stream(self._kind.encoder, rate=self.fps, options=self._options)
        stream.width, stream.height = self.stored_size
        stream.pix_fmt = self._stored
        stream.time_base = 1 / self.fps
        context = stream.codec_context
        context.thread_count = self._threads
        context.color_primaries = context.color_trc = _BT709
        # In FFmpeg's numbering a matrix of 0 is RGB; range 1 is video (16-235), 2 full.
        context.colorspace, context.color_range = (0, 2) if self._kind.encoder == "ffv1" else (_BT709, 1)
        return stream

    def write(self, rgb: np.ndarray) -> None:
        """Append one frame ``(H, W, 3)``, or 4 with alpha, sRGB-encoded, uint8 (uint16 with ``depth=16``)."""
        if self._session is None:
            raise BadInput(f"{self.path}: the video is not open; write inside 'with VideoWriter(…)'")
        width, height = self.size
        dtype = np.uint16 if self._depth == 16 else np.uint8
        rgb = np.asarray(rgb)
        if rgb.shape != (height, width, self._channels) or rgb.dtype != dtype:
            raise BadInput(
                f"{self.path}: frame {self.frames} is {rgb.dtype} {rgb.shape},"
                f" expected {np.dtype(dtype)} {(height, width, self._channels)}"
            )
        extra = (self.stored_size[1] - height, self.stored_size[0] - width)
        if any(extra):
            rgb = np.pad(rgb, ((0, extra[0]), (0, extra[1]), (0, 0)), mode="edge")
        self._container.mux(self._stream.encode(self._picture(rgb)))
        self.frames += 1

    def _picture(self, rgb: np.ndarray) -> Any:
        """A frame in the stored pixel format, exactly rounded and tagged."""
        import av
        from av.video.reformatter import ColorRange, Colorspace, Interpolation

        source = _layout(self._depth, self._channels)
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format=source)
        if self._kind.encoder == "ffv1":
            frame = frame.reformat(format=self._stored, threads=1)
        else:
            # Without these flags swscale rounds down and drops every other chroma sample, which tints flat colours.
            exact = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INP
            frame = frame.reformat(
                format=self._stored,
                src_color_range=ColorRange.JPEG,
                dst_colorspace=Colorspace.ITU709,
                dst_color_range=ColorRange.MPEG,
                dst_color_trc=_BT709,
                dst_color_primaries=_BT709,
                interpolation=exact | Interpolation.BITEXACT,
                threads=1,
            )
        frame.pts, frame.time_base = self.frames, 1 / self.fps
        return frame


def _layout(depth: int, channels: int) -> str:
    """FFmpeg's name of interleaved RGB or RGBA."""
    return {(8, 3): "rgb24", (8, 4): "rgba", (16, 3): "rgb48le", (16, 4): "rgba64le"}[depth, channels]


_PRESETS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow")


@dataclass(frozen=True)
class VideoInfo:
    """What a video file says about itself."""

    size: tuple[int, int]  # width, height
    fps: Fraction
    codec: str  # FFmpeg's name: "h264", "ffv1", "prores"
    pixels: str  # FFmpeg's pixel format


def probe(path: str | Path) -> VideoInfo:
    """Size, rate and codec of a video file.

    Raises:
        BadInput: the file is missing, or holds no video that can be read.
    """
    with _opened(path) as (_, stream):
        return VideoInfo(
            (stream.width, stream.height),
            Fraction(stream.average_rate or stream.guessed_rate or 0),
            stream.codec_context.name,
            stream.codec_context.pix_fmt or "",
        )


def read_frames(path: str | Path, *, depth: int = 8, alpha: bool = False) -> Iterator[np.ndarray]:
    """The frames of a video file, one at a time: ``(H, W, 3)`` sRGB-encoded, uint8, or uint16 with ``depth=16``;
    ``(H, W, 4)`` with ``alpha``, which is full where the file has none.

    Y'CbCr is turned to RGB by the file's own matrix and range (BT.709 video range when it does not say).

    Raises:
        BadInput: the file is missing, damaged, or not a video.
    """
    import av
    from av.video.reformatter import ColorRange, Colorspace, Interpolation

    target = _layout(depth, 4 if alpha else 3)
    exact = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT | Interpolation.BITEXACT
    with _opened(path) as (container, stream):
        stream.thread_type = "AUTO"
        try:
            for frame in container.decode(stream):
                if not (frame.format.is_rgb or frame.format.name.startswith("gray")):
                    frame = frame.reformat(
                        format=target,
                        src_colorspace=frame.colorspace if frame.colorspace != 2 else Colorspace.ITU709,
                        src_color_range=frame.color_range or ColorRange.MPEG,
                        dst_color_range=ColorRange.JPEG,
                        interpolation=exact,
                        threads=1,
                    )
                yield frame.to_ndarray(format=target)
        except av.FFmpegError as error:
            raise BadInput(f"{path}: the video is damaged ({error.strerror or error})") from error


@contextlib.contextmanager
def _opened(path: str | Path) -> Iterator[tuple[Any, Any]]:
    import av

    if not Path(path).is_file():
        raise BadInput(f"{path}: no such video file")
    try:
        container = av.open(str(path))
    except av.FFmpegError as error:
        raise BadInput(f"{path}: not a video file that can be read ({error.strerror})") from error
    with container:
        if not container.streams.video:
            raise BadInput(f"{path}: holds no video")
        yield container, container.streams.video[0]
