"""What each filter and each sort costs the database: time and plan of every first page."""
