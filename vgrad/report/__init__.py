"""Turning stored runs into something to read: tables for a terminal, and data for programs."""
