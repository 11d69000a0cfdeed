"""The event loop around the cores: what all servers share, a server that stands alone, a member of an
ensemble.
"""
