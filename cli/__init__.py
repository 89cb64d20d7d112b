"""The tickhouse command, one file a subcommand."""
