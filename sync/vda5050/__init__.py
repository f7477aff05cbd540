"""VDA 5050 2.1.0: lets any fleet manager that speaks the standard send the robot somewhere.

Thin: an order is a drive to its last released node, with the robot finding its own way; nodes carry no actions. The
first node need not be where the robot stands.
"""
