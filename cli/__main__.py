"""`python -m cli` is the same as `tickhouse`: for processes that start others with their own interpreter."""

from cli.main import main

main()
