"""`PathTracer`: the same `World` with bounced light and soft shadows, by Mitsuba 3: slow, and true."""

from render.path_tracer.settings import PathSettings
from render.path_tracer.tracer import PathTracer

__all__ = ["PathSettings", "PathTracer"]
