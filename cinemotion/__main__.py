"""``python -m cinemotion`` is the ``cinemotion`` command."""

from cinemotion.cli import main

main()
