"""What a user may ask for; YAML and overrides → a frozen `Config`; errors with their place."""

from vgrad.config.loading import load_config
from vgrad.config.parts import Part
from vgrad.config.schema import Config

__all__ = ["Config", "Part", "load_config"]
