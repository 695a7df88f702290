"""Ten lines of Python: a capture onto a dressed body, a camera, pictures, a film."""

from fractions import Fraction
from itertools import islice

import mocap_data
from motion import Performance, Shot, Stage
from motion.body import Body
from motion.retarget import retarget
from render import Rasterizer, World
from render.video import VideoWriter
from rl_camera import direct


def main(film: str = "spin_kick.mp4", size: tuple[int, int] = (640, 360), frames: int = 30) -> None:
    """Draw the first frames of a spin kick."""
    body = Body.default(build="athletic", outfit="runner")
    clip, report = retarget(mocap_data.load("pybullet:spinkick"), rest_offsets=body.rest_offsets)
    cast, stage = [Performance("ada", clip, body)], Stage(ground="concrete", light="noon")
    camera = direct(
        cast, stage, [Shot(0.0, 1.25, ("ada",), size="full", move="arc_left")], Fraction(24), size[0] / size[1]
    )
    with Rasterizer(size) as rasterizer, VideoWriter(film, size, Fraction(24)) as video:
        for frame in islice(rasterizer.render(World(cast, stage), camera, range(camera.frames), ("display",)), frames):
            video.write(frame.display)
    print(report)


if __name__ == "__main__":
    main()
