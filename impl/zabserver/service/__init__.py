"""The sans-IO core that serves clients: tree, sessions, watches and request pipeline."""
