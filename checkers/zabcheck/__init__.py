"""Decides whether a spec, a server or a recorded history is right."""
