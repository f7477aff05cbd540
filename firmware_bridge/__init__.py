"""The way to the wheels: the protocol of the microcontroller, the motion gate, and the small
clients of the gate."""
