"""How devices without a credential get in: enrolments, the strangers that knock there, and what they said."""
