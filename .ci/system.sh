#!/bin/sh
# Makes sure that the system libraries are there: OpenGL through EGL (Mesa draws without a GPU), and venv for Python.
# Installs them when it may; else stops with the line that does.
set -eu
python=${1:-python3}
packages=""

has_library() { "$python" -c "import ctypes, sys; ctypes.CDLL(sys.argv[1])" "$1" 2>/dev/null; }

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || {
    echo "cinemotion needs Python 3.11 or newer; '$python' is $("$python" --version 2>&1 || true)" >&2
    echo "  make PYTHON=python3.11" >&2
    exit 1
}
has_library libEGL.so.1 || packages="$packages libegl1"
has_library libGL.so.1 || packages="$packages libgl1"
has_library libEGL_mesa.so.0 || has_library libEGL_nvidia.so.0 || packages="$packages libegl-mesa0 libgl1-mesa-dri"
"$python" -c 'import ensurepip' 2>/dev/null || packages="$packages python3-venv"
[ -z "$packages" ] && exit 0

install="apt-get install --yes --no-install-recommends$packages"
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "installing:$packages"
    apt-get update --quiet=2
    DEBIAN_FRONTEND=noninteractive $install --quiet=2 >/dev/null
else
    echo "system libraries are missing; as root:" >&2
    echo "  $install" >&2
    exit 1
fi
