"""MQTT 3.1.1 and 5: packets and sessions without I/O, and the one listener that has some."""
