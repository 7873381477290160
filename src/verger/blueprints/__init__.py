"""Blueprints, one file for each kind of place: all that it begins with, kept as ordinary things that people may change.

They are read and checked by `flows/plans.py`; `schema.json` is their JSON Schema. Code of the app applies one by
`await house.grounds.furnishing.furnish(tenant, place, "cottage", by)`, other programs by `POST /places/{id}/blueprint`.
"""
