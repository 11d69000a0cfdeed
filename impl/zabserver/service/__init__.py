"""The client-facing core: tree, sessions, watches and the pipeline of requests. It never waits."""
