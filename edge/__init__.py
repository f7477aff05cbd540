"""The robot's own core: rules, memory, settings and processes. Knows no ROS, MQTT, HTTP or serial line."""
