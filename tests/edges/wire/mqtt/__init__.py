"""Tests of MQTT: machines joined by bytes, and a listener on real sockets."""
