"""Pure numpy cores of navigation: map, graph, route, tracking, collision zones, localisation. No
ROS in here.

Frames and units as in REP 103 and 105: metres, radians, seconds, `map` -> `odom` -> `base_link`.
"""
