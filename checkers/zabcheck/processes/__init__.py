"""Ensembles of real processes, ours and Apache's, and clients that write down what they were told.

members  processes that are started, stopped, killed and paused
clients  writers and watchers, and whether what they were told is so
keepers  clients that keep their sessions, and nodes that live and die with those
proxy    the network between members, which cuts, delays and swallows
"""
