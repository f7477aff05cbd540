"""The robot's link to the central server and to fleet managers, over MQTT. The network's troubles stay in here."""
