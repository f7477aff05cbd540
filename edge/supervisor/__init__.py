"""Starts, watches and ends the robot's processes on a desk. On a robot systemd does the same."""
