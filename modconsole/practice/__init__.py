"""The simulated forum: the demo, and later practice. Invented people, gentle posts, actions that really act."""

from modconsole.practice.forum import SimulatedForum
from modconsole.practice.world import World, build

__all__ = ["SimulatedForum", "World", "build"]
