"""The family's side: its door at /start/, its home at /family/."""
