"""Reserved: words that no access token may be, since addresses of people's resources begin with them."""

_PEOPLE = """
advice alerts analytics api-keys auth backups billing blueprints bookings claims commands cycles dashboards deeds
deletions device-types devices docs enrolments events exports files firmware health imports invitations jobs keys live
log login me members memberships metrics notes notifications openapi.json overview pending-devices places plans
provision push rates ready readings reports retention roles rules search series sessions settings setup software stays
subscriptions system tasks tenants timers users webhooks
"""
PEOPLE = frozenset(_PEOPLE.split())
"""First path segments below /api/v1 that are people's resources, now or one day."""
