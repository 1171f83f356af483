"""Registrations: make, change, cancel, export, forget."""
