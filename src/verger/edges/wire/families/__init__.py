"""The families over HTTP: how each speaks, beside what all of them share."""
