"""PostgreSQL as Django knows it; whether a kept connection is still alive is found out cheaply."""
