"""The world on a desk: a library, the robot's body in it, what its laser sees, and people who walk
about."""
