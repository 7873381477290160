"""The wire: how devices speak to us, over MQTT and HTTP."""
