"""Pages for families: sign-up at /start/, and the home page at /family/."""
