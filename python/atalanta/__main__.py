"""`python -m atalanta` is the command `atalanta`."""

from atalanta.cli.app import main

main()
