"""The keyring of the operating system, through a list of back-ends that are known to keep a secret."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Protocol, TypeVar

from modconsole.core.errors import SecretsUnavailable, VaultError, VaultLocked
from modconsole.core.text import plain
from modconsole.ports.vault import Secrets

__all__ = ["Backend", "KeyringSecrets", "system_keyring"]

_T = TypeVar("_T")

# By class, never by name or priority: `keyring` itself may hand out one that writes in the clear, or nowhere.
_TRUSTED = {
    "keyring.backends.SecretService.Keyring": "the Secret Service (GNOME Keyring, KeePassXC, KWallet)",
    "keyring.backends.kwallet.DBusKeyring": "KWallet",
    "keyring.backends.kwallet.DBusKeyringKWallet4": "KWallet",
    "keyring.backends.macOS.Keyring": "the macOS Keychain",
    "keyring.backends.Windows.WinVaultKeyring": "the Windows Credential Manager",
}
_CHAINER = "keyring.backends.chainer.ChainerBackend"

_SEALED_FILE = (
    "or, in a new home, use modconsole's own sealed file: "
    "set MODCONSOLE_PASSPHRASE_FILE to a file that holds a passphrase"
)
_START_ONE = "Start a keyring first (`dbus-run-session -- sh`, then `gnome-keyring-daemon --unlock` and its password), "


class Backend(Protocol):
    """What we use of a keyring back-end."""

    def get_password(self, service: str, username: str, /) -> str | None: ...

    def set_password(self, service: str, username: str, password: str, /) -> None: ...

    def delete_password(self, service: str, username: str, /) -> None: ...


def system_keyring() -> Backend:
    """Give the back-end that `keyring` chose. Imports it, which takes a while."""
    import keyring

    return keyring.get_keyring()


class KeyringSecrets(Secrets):
    """Secrets in the keyring of the operating system.

    Args:
        service: The name our secrets stand under there; each home has its own.
        load: Gives the back-end. Called once, when it is first needed.
        patience: Seconds to wait for an answer: a window asking for a password may be open on another screen.
    """

    def __init__(
        self, service: str, *, load: Callable[[], Backend] = system_keyring, patience: float = 30.0
    ) -> None:
        self.service = service
        self._load = load
        self._patience = patience
        self._backend: Backend | None = None

    @property
    def where(self) -> str:
        name = "" if self._backend is None else f", {_TRUSTED[_class_name(self._backend)]}"
        return f"the keyring of this computer{name}, as “{self.service}”"

    @property
    def needs_passphrase(self) -> bool:
        return False

    def unlock(self, passphrase: str = "") -> None:
        self.get("ready")  # the back-end itself asks for a password where it needs one

    def get(self, name: str) -> bytes | None:
        backend = self._trusted()
        text = self._ask(lambda: backend.get_password(self.service, name))
        if text is None:
            return None
        try:
            return b64decode(text, validate=True)
        except ValueError as error:
            raise VaultError(
                f"The secret “{name}” in {self.where} is not what modconsole stored.",
                kept="It was left as it is.",
                next_step="Look at it with the keyring's own program.",
            ) from error

    def set(self, name: str, value: bytes) -> None:
        backend, text = self._trusted(), b64encode(value).decode("ascii")
        self._ask(lambda: backend.set_password(self.service, name, text))
        if self._ask(lambda: backend.get_password(self.service, name)) != text:
            raise SecretsUnavailable(
                f"{self.where[0].upper()}{self.where[1:]}, took a secret and did not give it back.",
                kept="Nothing relies on it yet.",
                next_step=f"Look at the keyring with its own program, {_SEALED_FILE}.",
            )

    def delete(self, name: str) -> None:
        backend = self._trusted()
        if self._ask(lambda: backend.get_password(self.service, name)) is not None:
            self._ask(lambda: backend.delete_password(self.service, name))

    def names(self) -> Sequence[str]:
        return ()  # keyrings cannot be asked

    def try_out(self) -> None:
        """Store something, read it back and take it out again.

        Raises:
            SecretsUnavailable, VaultLocked: Why this keyring cannot be used, and what to do.
        """
        self.set("try-out", b"modconsole")
        self.delete("try-out")

    def _trusted(self) -> Backend:
        if self._backend is None:
            self._backend = _checked(self._ask(self._load))
        return self._backend

    def _ask(self, question: Callable[[], _T]) -> _T:
        """Ask on a thread of its own, so that a prompt nobody sees cannot hold us for ever."""
        answers: SimpleQueue[tuple[_T, None] | tuple[None, Exception]] = SimpleQueue()

        def wait_for_it() -> None:
            try:
                answers.put((question(), None))
            except Exception as error:  # noqa: BLE001 - a stranger's code; sorted out below, on the asking thread
                answers.put((None, error))

        Thread(target=wait_for_it, name="keyring", daemon=True).start()
        try:
            answer, error = answers.get(timeout=self._patience)
        except Empty:
            raise VaultLocked(
                f"The keyring of this computer did not answer within {self._patience:g} seconds.",
                next_step="Look for a window asking for its password, perhaps on another screen; then try again.",
            ) from None
        if error is not None:
            raise _explained(error) from error
        return answer  # type: ignore[return-value]  # there was no error, so this is the answer


def _class_name(backend: object) -> str:
    return f"{type(backend).__module__}.{type(backend).__qualname__}"


def _checked(backend: Backend) -> Backend:
    """Let only trusted back-ends through.

    Raises:
        SecretsUnavailable
    """
    name = _class_name(backend)
    if name in _TRUSTED:
        return backend
    members = list(getattr(backend, "backends", ())) if name == _CHAINER else []
    strangers = [member for member in members if _class_name(member) not in _TRUSTED]
    if members and not strangers:
        first: Backend = members[0]
        return first
    if strangers:
        raise SecretsUnavailable(
            f"The keyring here would fall back on {', '.join(map(_class_name, strangers))}, which modconsole does "
            "not trust with secrets.",
            kept="Nothing was stored.",
            next_step="Uninstall that package (keyrings.alt, keyrings.cryptfile), or choose the keyring yourself with "
            f"PYTHON_KEYRING_BACKEND=keyring.backends.SecretService.Keyring, {_SEALED_FILE}.",
        )
    raise SecretsUnavailable(
        _why_not(name), kept="Nothing was stored.", next_step=f"{_START_ONE}{_SEALED_FILE}."
    )


def _why_not(name: str) -> str:
    if name in ("keyring.backends.fail.Keyring", _CHAINER):
        return "This computer has no keyring that can be reached from here (as over SSH, or in a container)."
    if name == "keyring.backends.null.Keyring":
        return "The keyring is switched off here: PYTHON_KEYRING_BACKEND names the null back-end, which loses secrets."
    return f"The keyring here is {name}, which modconsole does not trust with secrets."


def _explained(error: Exception) -> Exception:
    """Say in words what a keyring back-end raised. What is not a keyring's kind of trouble stays as it is."""
    from keyring.errors import InitError, KeyringError, KeyringLocked, NoKeyringError

    said = plain(str(error), lines=False, limit=200)
    if isinstance(error, KeyringLocked):
        return VaultLocked(
            f"The keyring of this computer is locked ({said}).",
            next_step="Unlock it (on a desktop: log in there once; without one: `gnome-keyring-daemon --unlock`), "
            "then try again.",
        )
    if isinstance(error, InitError):
        return SecretsUnavailable(
            f"The keyring of this computer could not be set up ({said}).",
            kept="Nothing was stored.",
            next_step=f"Make a keyring once, on its desktop or with `gnome-keyring-daemon --unlock`, {_SEALED_FILE}.",
        )
    if isinstance(error, NoKeyringError):
        return SecretsUnavailable(
            "This computer has no keyring that can be reached from here (as over SSH, or in a container).",
            kept="Nothing was stored.",
            next_step=f"{_START_ONE}{_SEALED_FILE}.",
        )
    if isinstance(error, KeyringError | OSError | EOFError | ValueError | RuntimeError):
        return SecretsUnavailable(
            f"The keyring of this computer cannot be used ({type(error).__name__}: {said}).",
            kept="Nothing was stored.",
            next_step=f"{_START_ONE}{_SEALED_FILE}.",
        )
    return error
