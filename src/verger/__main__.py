"""`python -m verger` is `verger`."""

from verger.cli import main

main()
