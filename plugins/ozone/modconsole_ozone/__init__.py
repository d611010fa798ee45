"""modconsole's adapter for Ozone, the moderation service of Bluesky and the AT Protocol network."""

from modconsole_ozone.forum import OzoneForum

__all__ = ["OzoneForum"]
