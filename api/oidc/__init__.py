"""Signing in by somebody else's word: OpenID Connect, and GitHub, which has its own way."""
