"""The robot's HTTP contract, its live events and its touchscreen. Knows services and the gate's client, no ROS."""
