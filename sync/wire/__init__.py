"""What goes over MQTT between a robot and the central server: topics, messages, and how a stream is sent.

Both ends import it, so it holds no socket, no store and no setting.
"""
