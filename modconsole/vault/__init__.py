"""Keys and secrets: sealing, opening, and where the secrets themselves are kept.

Importing this part is cheap: `cryptography` and `keyring` are imported when a key is first needed.
"""

from modconsole.vault.choose import choose_secrets
from modconsole.vault.demo import DemoSecrets
from modconsole.vault.key_vault import KeyVault
from modconsole.vault.sealed_file import SealedFileSecrets
from modconsole.vault.system_keyring import KeyringSecrets

__all__ = ["DemoSecrets", "KeyVault", "KeyringSecrets", "SealedFileSecrets", "choose_secrets"]
