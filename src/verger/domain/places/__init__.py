"""Places: one tree of cottages, farms, rooms, branches, houses and gardens."""
