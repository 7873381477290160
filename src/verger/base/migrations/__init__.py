"""The shape of the database, step by step (Alembic); one script serves SQLite and PostgreSQL."""
