"""Video files: colours, tags, exact rates, bit-exact modes, determinism, and what bad input gets."""

from __future__ import annotations

import errno
import hashlib
import subprocess
import sys
import textwrap
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from motion import files
from motion.errors import BadInput, MissingSystem
from render.frames import load_chunk, save_chunk
from render.video import CODECS, VideoWriter, codec_for, probe, read_frames

SUFFIX = {"h264": ".mp4", "lossless": ".mkv", "prores": ".mov"}


def noise(frames=5, size=(34, 18), dtype=np.uint8, seed=0):
    width, height = size
    top = np.iinfo(dtype).max
    return np.random.default_rng(seed).integers(0, top, (frames, height, width, 3), endpoint=True, dtype=dtype)


def patches():
    colours = np.array(
        [
            [0, 0, 0],
            [255, 255, 255],
            [255, 0, 0],
            [0, 255, 0],
            [0, 0, 255],
            [128, 128, 128],
            [200, 120, 90],
            [30, 60, 20],
        ],
        dtype=np.uint8,
    )
    return colours, np.repeat(np.repeat(colours[None], 32, axis=0), 32, axis=1)


def write(path, frames, fps=Fraction(24), codec=None, **options):
    with VideoWriter(path, frames.shape[2:0:-1], fps, codec, **options) as video:
        for frame in frames:
            video.write(frame)
    return path


@pytest.mark.parametrize("codec", ["h264", "prores"])
def test_flat_colours_come_back_and_are_tagged_bt709(tmp_path, codec):
    import av

    colours, image = patches()
    path = write(tmp_path / f"a{SUFFIX[codec]}", np.stack([image] * 4), codec=codec)
    got = list(read_frames(path))
    assert len(got) == 4
    centres = got[2][16, 16::32].astype(int)
    assert np.abs(centres - colours).max() <= 2
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
        assert (frame.colorspace, frame.color_range, frame.color_primaries, frame.color_trc) == (1, 1, 1, 1)


def test_luma_follows_bt709_and_video_range(tmp_path):
    """The stored planes hold what Rec. ITU-R BT.709 says, not what a decoder makes of them."""
    import av

    colours, image = patches()
    path = write(tmp_path / "a.mp4", np.stack([image] * 2))
    with av.open(str(path)) as container:
        planes = next(container.decode(video=0)).to_ndarray()  # I420: luma, then the halved chroma planes
    luma = planes[16, 16 : 32 * len(colours) : 32]
    expected = 16 + 219 * (colours / 255.0) @ [0.2126, 0.7152, 0.0722]
    assert np.abs(luma - expected).max() <= 1.0


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("size", [(34, 18), (1, 1), (3, 5)])
def test_lossless_is_bit_exact(tmp_path, size, depth):
    frames = noise(size=size, dtype=np.uint16 if depth == 16 else np.uint8)
    path = write(tmp_path / "a.mkv", frames, depth=depth)
    assert np.array_equal(np.stack(list(read_frames(path, depth=depth))), frames)


def test_prores_keeps_more_than_eight_bits(tmp_path):
    ramp = np.broadcast_to(np.linspace(0, 65535, 256).astype(np.uint16)[None, :, None], (32, 256, 3))
    path = write(tmp_path / "a.mov", np.stack([ramp] * 2), depth=16)
    back = next(iter(read_frames(path, depth=16)))
    assert np.abs(back.astype(int) - ramp).max() < 65535 / 255  # 10 bits of video range hold 876 steps


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("codec", ["lossless", "prores"])
def test_alpha_is_kept(tmp_path, codec, depth):
    top = 2**depth - 1
    ramp = np.linspace(0, top, 64).round().astype(np.uint16 if depth == 16 else np.uint8)
    frame = np.empty((16, 64, 4), ramp.dtype)
    frame[...] = ramp[None, :, None]
    frame[..., 3] = ramp[None, ::-1]
    path = tmp_path / f"a{SUFFIX[codec]}"
    with VideoWriter(path, (64, 16), 24, codec, depth=depth, alpha=True) as video:
        video.write(frame)
    back = next(iter(read_frames(path, depth=depth, alpha=True))).astype(int)
    assert np.abs(back - frame).max() <= (0 if codec == "lossless" else top / 255)
    opaque = next(iter(read_frames(write(tmp_path / "b.mp4", noise()), alpha=True)))
    assert (opaque[..., 3] == 255).all()


@pytest.mark.parametrize("fps", [Fraction(24), Fraction(24000, 1001), Fraction(30000, 1001), Fraction(25, 2)])
@pytest.mark.parametrize("codec", CODECS)
def test_rate_is_exact(tmp_path, codec, fps):
    path = write(tmp_path / f"a{SUFFIX[codec]}", noise(), fps=fps, codec=codec)
    assert probe(path).fps == fps
    assert sum(1 for _ in read_frames(path)) == 5


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (33, 17), (7, 64)])
def test_odd_h264_repeats_its_last_row_and_column(tmp_path, size):
    frame = np.full((size[1], size[0], 3), (180, 90, 40), dtype=np.uint8)
    with VideoWriter(tmp_path / "a.mp4", size, 24) as video:
        for _ in range(3):
            video.write(frame)
    assert probe(tmp_path / "a.mp4").size == video.stored_size == (size[0] + size[0] % 2, size[1] + size[1] % 2)
    back = next(iter(read_frames(tmp_path / "a.mp4")))
    assert np.abs(back.astype(int) - [180, 90, 40]).max() <= 3


@pytest.mark.parametrize("codec", CODECS)
def test_same_frames_give_same_bytes(tmp_path, codec):
    digests = {
        hashlib.sha256(write(tmp_path / f"{i}{SUFFIX[codec]}", noise(40, (64, 48)), codec=codec).read_bytes()).digest()
        for i in range(2)
    }
    assert len(digests) == 1


@pytest.mark.parametrize("crf", [0, 16, 51])
def test_every_rate_factor_works(tmp_path, crf):
    frame = np.full((18, 34, 3), (180, 90, 40), dtype=np.uint8)
    write(tmp_path / "a.mp4", np.stack([frame] * 3), crf=crf)
    assert np.abs(next(iter(read_frames(tmp_path / "a.mp4"))).astype(int) - [180, 90, 40]).max() <= (
        2 if crf < 20 else 30
    )


def test_moov_stands_before_the_pictures(tmp_path):
    data = write(tmp_path / "a.mp4", noise()).read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat")


def test_nothing_appears_before_the_end_or_after_an_error(tmp_path):
    path = tmp_path / "sub" / "a.mp4"
    with VideoWriter(path, (34, 18), 24) as video:
        video.write(noise()[0])
        assert not path.exists()
    assert path.exists()
    before = path.read_bytes()
    with pytest.raises(RuntimeError, match="boom"), VideoWriter(path, (34, 18), 24) as video:
        video.write(noise()[0])
        raise RuntimeError("boom")
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == ["a.mp4"]


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda d: VideoWriter(d / "a.mp5", (8, 8), 24), "did you mean '.mp4'"),
        (lambda d: VideoWriter(d / "a", (8, 8), 24), "unknown video suffix"),
        (lambda d: VideoWriter(d / "a.mp4", (8, 8), 24, "h265"), "did you mean 'h264'"),
        (lambda d: VideoWriter(d / "a.mp4", (8, 8), 24, "prores"), r"expected \.mov"),
        (lambda d: VideoWriter(d / "a.mp4", (0, 0), 24), "0x0"),
        (lambda d: VideoWriter(d / "a.mp4", (100000, 100000), 24), "100000x100000"),
        (lambda d: VideoWriter(d / "a.mp4", (8, 8), 0), "0 frames per second"),
        (lambda d: VideoWriter(d / "a.mp4", (8, 8), -5), "-5 frames per second"),
        (lambda d: VideoWriter(d / "a.mp4", (8, 8), float("nan")), "frame rate nan"),
        (lambda d: VideoWriter(d / "a.mp4", (8, 8), float("inf")), "frame rate inf"),
        (lambda d: VideoWriter(d / "a.mp4", (8, 8), "fast"), "frame rate 'fast'"),
        (lambda d: VideoWriter(d / "a.mp4", (8, 8), "1/0"), "frame rate '1/0'"),
        (lambda d: VideoWriter(d / "a.mp4", (8, 8), Fraction(10**12 + 1, 10**11)), "the nearest is 10"),
        (lambda d: VideoWriter(d / "a.mp4", (8, 8), 24, depth=16), "expected 8 for h264"),
        (lambda d: VideoWriter(d / "a.mp4", (8, 8), 24, alpha=True), "keeps no alpha"),
        (lambda d: VideoWriter(d / "a.mp4", (8, 8), 24, crf=99), "crf 99"),
        (lambda d: VideoWriter(d / "a.mp4", (8, 8), 24, preset="quick"), "unknown H.264 preset"),
        (lambda d: VideoWriter(d / "a.mp4", (8, 8), 24).write(np.zeros((8, 8, 3), np.uint8)), "not open"),
        (lambda d: write(d / "a.mp4", np.zeros((0, 8, 8, 3), np.uint8)), "no frames"),
        (lambda d: write(d / "a.mp4", np.zeros((1, 8, 8, 3), np.float32)), "float32"),
        (lambda d: write(d, noise()), "unknown video suffix"),
        (lambda d: list(read_frames(d / "none.mp4")), "no such video"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(tmp_path, call, text):
    with pytest.raises(BadInput, match=text) as caught:
        call(tmp_path)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_a_build_without_the_encoder_is_said(tmp_path, monkeypatch):
    monkeypatch.setitem(CODECS, "h264", replace(CODECS["h264"], encoder="libx999"))
    with pytest.raises(MissingSystem, match="no encoder 'libx999'"):
        write(tmp_path / "a.mp4", noise())
    assert not list(tmp_path.iterdir())


def test_wrong_frame_size_is_named(tmp_path):
    wrong = pytest.raises(BadInput, match=r"frame 0 is uint8 \(8, 9, 3\), expected uint8 \(8, 8, 3\)")
    with wrong, VideoWriter(tmp_path / "a.mp4", (8, 8), 24) as video:
        video.write(np.zeros((8, 9, 3), np.uint8))
    assert not list(tmp_path.iterdir())


def test_damaged_video_is_refused(tmp_path):
    data = write(tmp_path / "a.mp4", noise(20, (64, 48))).read_bytes()
    for name, content in (("cut.mp4", data[:40]), ("empty.mp4", b""), ("text.mp4", b"hello " * 100)):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(BadInput, match=name):
            list(read_frames(tmp_path / name))


def test_places_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder.mp4").mkdir()
    for path, text in (
        (tmp_path / "file" / "a.mp4", "part of this path is a file"),
        (tmp_path / "folder.mp4", "folder"),
    ):
        with pytest.raises(BadInput, match=text):
            write(path, noise())
    assert (tmp_path / "file").read_text() == "x"


def test_a_full_disk_is_said_in_one_line(tmp_path):
    """A limit on file size stands in for a full disk: the same road through the muxer, and no root needed."""
    script = textwrap.dedent(
        """
        import resource, sys
        import numpy as np
        from motion.errors import MissingSystem
        from render.frames import save_chunk
        from render.video import VideoWriter
        resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))
        frames = np.random.default_rng(0).integers(0, 255, (30, 64, 64, 3), dtype=np.uint8)
        for codec, name in (("h264", "a.mp4"), ("lossless", "a.mkv"), ("prores", "a.mov"), (None, "chunk")):
            try:
                if codec is None:
                    save_chunk(sys.argv[1] + "/" + name, frames, 24)
                else:
                    with VideoWriter(sys.argv[1] + "/" + name, (64, 64), 24, codec) as video:
                        for frame in frames:
                            video.write(frame)
            except MissingSystem as error:
                assert "no space left" in str(error), error
            else:
                raise SystemExit(name + " was written")
        """
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("code", "kind"),
    [(errno.ENOSPC, MissingSystem), (errno.EACCES, BadInput), (errno.EROFS, BadInput), (errno.EIO, MissingSystem)],
)
def test_system_errors_are_explained(tmp_path, code, kind):
    with pytest.raises(kind, match=r"x\.bin"), files.whole(tmp_path / "x.bin"):
        raise OSError(code, "why")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("size", [(64, 48), (1, 1), (33, 17)])
def test_chunks_are_bit_exact_and_repeatable(tmp_path, size):
    frames = noise(12, size)
    assert save_chunk(tmp_path / "a", iter(frames), Fraction(24000, 1001)) == 12
    save_chunk(tmp_path / "b", frames, Fraction(24000, 1001))
    assert np.array_equal(np.stack(list(load_chunk(tmp_path / "a"))), frames)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_bad_chunks(tmp_path):
    with pytest.raises(BadInput, match="no frames"):
        save_chunk(tmp_path / "a", [], 24)
    with pytest.raises(BadInput, match="frame 1 has shape"):
        save_chunk(tmp_path / "a", [np.zeros((4, 4, 3), np.uint8), np.zeros((4, 5, 3), np.uint8)], 24)
    assert not list(tmp_path.iterdir())
    save_chunk(tmp_path / "a", noise(12, (64, 48)), 24)
    (tmp_path / "cut").write_bytes((tmp_path / "a").read_bytes()[:200])
    with pytest.raises(BadInput, match="cut"):
        list(load_chunk(tmp_path / "cut"))


def test_suffix_chooses_the_codec():
    assert [codec_for(f"x{s}") for s in (".mp4", ".MOV", ".mkv", ".m4v")] == ["h264", "prores", "lossless", "h264"]
