"""The subcommands of `zab`, a module each: what it takes, what it does, what it prints."""
