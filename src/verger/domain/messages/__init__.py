"""Messages: a tenant's tree of topics, who listens to it, and what is kept for those who are away."""
