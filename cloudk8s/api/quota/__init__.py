"""What objects count for in resource quotas; shared by admission, which charges, and the controller, which recounts."""
