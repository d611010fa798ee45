"""Every error a person can meet.

ModconsoleError                 what happened, what is safe, what to do next
  WrongUsage                    the command or key was not meant for this (exit 2)
    NotAllowed                  a rule of the desk or of the protocol says no
    NoSuchCase
  SettingsError                 config.toml says something we cannot follow (exit 2)
  ProtocolFileError             a protocol file says something we cannot follow (exit 1)
  ForumError                    the forum, or the way to it (exit 3)
    NotAuthorised               who are you? (401)
    Forbidden                   not with this account (403)
    NotFound                    it is not there (404, 410)
    Conflict                    it is no longer what we saw (409, 412)
    RateLimited                 too fast; retry_after in seconds (429)
    Unavailable                 no answer, or the server's own failure (5xx, time-out)
    BadAnswer                   an answer we cannot read
  DataError                     the files of this home (exit 4)
    StoreError                  the working state (desk.db)
    LogError                    the audit log (log.db); nothing was done unrecorded
    VaultError                  the keys (keys.db)
      VaultLocked               a passphrase or an unlocked keyring is needed
      Erased                    the case's key was destroyed on purpose
      KeyLost                   a secret of this device is not where it was put
    SecretsUnavailable          no safe place for secrets
"""

from __future__ import annotations

__all__ = [
    "BadAnswer",
    "Conflict",
    "DataError",
    "Erased",
    "Forbidden",
    "ForumError",
    "KeyLost",
    "LogError",
    "ModconsoleError",
    "NoSuchCase",
    "NotAllowed",
    "NotAuthorised",
    "NotFound",
    "ProtocolFileError",
    "RateLimited",
    "SecretsUnavailable",
    "SettingsError",
    "StoreError",
    "Unavailable",
    "VaultError",
    "VaultLocked",
    "WrongUsage",
]


class ModconsoleError(Exception):
    """Say what happened, what is safe, and what to do next.

    Args:
        what: What happened: facts, names and numbers. May quote a server, so
            it is shown through `plain()` like every text from outside.
        kept: What is safe.
        next_step: What to do now.
    """

    exit_code = 1
    default_kept = ""
    default_next_step = ""

    def __init__(self, what: str, *, kept: str = "", next_step: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.kept = kept or self.default_kept
        self.next_step = next_step or self.default_next_step

    def __str__(self) -> str:
        return " ".join(part for part in (self.what, self.kept, self.next_step) if part)


class WrongUsage(ModconsoleError):
    exit_code = 2
    default_kept = "Nothing was changed."


class NotAllowed(WrongUsage):
    pass


class NoSuchCase(WrongUsage):
    default_next_step = "`modconsole queue` lists the cases that are here."


class SettingsError(ModconsoleError):
    exit_code = 2
    default_kept = "Your cases, answers and log are untouched."


class ProtocolFileError(ModconsoleError):
    exit_code = 1
    default_kept = "The last good version of the protocol stays in use."


class ForumError(ModconsoleError):
    """The only kind of error an adapter may raise.

    Args:
        status: The HTTP status, where there was one.
        answer: The parsed answer, for the adapter's own second look. Never shown as it is.
        maybe_done: What was asked may have happened all the same, because the request may have arrived.
    """

    exit_code = 3
    code = "forum_error"
    default_kept = "Your cases, answers and log are untouched, and the other forums go on."
    default_next_step = "Look at `modconsole forum check`."

    def __init__(
        self,
        what: str,
        *,
        kept: str = "",
        next_step: str = "",
        status: int | None = None,
        answer: object = None,
        maybe_done: bool = False,
    ) -> None:
        super().__init__(what, kept=kept, next_step=next_step)
        self.status = status
        self.answer = answer
        self.maybe_done = maybe_done


class NotAuthorised(ForumError):
    code = "not_authorised"
    default_next_step = (
        "The forum does not accept the stored token. Give it a new one with `modconsole forum add`."
    )


class Forbidden(ForumError):
    code = "forbidden"
    default_next_step = (
        "Your account may not do this there. Ask whoever runs the forum, or do it by hand and record it."
    )


class NotFound(ForumError):
    code = "not_found"
    default_next_step = "It may have been deleted or moved. Look on the forum itself before deciding again."


class Conflict(ForumError):
    code = "conflict"
    default_next_step = "Read it again: it is no longer what you saw."


class RateLimited(ForumError):
    """The forum asks for patience.

    Args:
        retry_after: Seconds to wait, as the forum says, or our own guess.
    """

    code = "rate_limited"

    def __init__(self, what: str, *, retry_after: float = 30.0, **more: object) -> None:
        super().__init__(
            what,
            next_step=f"Try again in {max(1, round(retry_after))} seconds; nothing is tried behind your back.",
            status=429,
            answer=more.get("answer"),
        )
        self.retry_after = retry_after


class Unavailable(ForumError):
    code = "unavailable"
    default_next_step = (
        "Wait or try again; if somebody may be in danger, press ! and do not wait for the forum."
    )


class BadAnswer(ForumError):
    code = "bad_answer"
    default_next_step = (
        "The forum answered with something this adapter cannot read. Tell whoever wrote the adapter."
    )


class DataError(ModconsoleError):
    exit_code = 4
    default_next_step = "Run `modconsole doctor`; it says what is wrong here and how to mend it."


class StoreError(DataError):
    pass


class LogError(DataError):
    default_kept = "The forum was not asked to do anything."


class VaultError(DataError):
    pass


class VaultLocked(VaultError):
    default_kept = "The queue and the emergency panel (!) work without it."
    default_next_step = "Give the passphrase, or unlock the keyring of this computer."


class Erased(VaultError):
    default_kept = "What was decided is still in the log."
    default_next_step = "There is nothing to do; an erased text cannot be brought back."


class KeyLost(VaultError):
    """A secret is gone for good, as opposed to all that may only stand in its way for now."""


class SecretsUnavailable(VaultError):
    pass
