"""The one TOML file, and where everything lives."""

from modconsole.config.paths import HOME_VARIABLE, Paths
from modconsole.config.settings_file import TomlSettingsFile

__all__ = ["HOME_VARIABLE", "Paths", "TomlSettingsFile"]
