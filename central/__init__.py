"""The reference central server of a library: what the robots did, and requests for them to fulfil.

It shares the wire and the words with the robots and nothing else. Small on purpose: one process, one SQLite file.
"""
