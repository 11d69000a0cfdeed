"""The `zab` command: where it starts, and a module for each subcommand with its arguments and output."""
