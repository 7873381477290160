"""Moving: what installations of other systems hold, read where it is and never changed."""
