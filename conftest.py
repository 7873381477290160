"""What every test run knows: what may be left out, and the recorded answers."""

pytest_plugins = ["tests.house.left_out", "tests.recorded"]
