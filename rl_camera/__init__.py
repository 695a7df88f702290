"""Cameras: the words of camera work, framing by projected joints, and the directors that turn shots into paths."""

from rl_camera.director import Action, CameraState, Director, Observation, direct, find_director, register, roll_out

__all__ = ["Action", "CameraState", "Director", "Observation", "direct", "find_director", "register", "roll_out"]
