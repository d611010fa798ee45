"""`forum`: connect forums, look after them, let them go. Tokens go to the keyring and nowhere else."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import getpass
import re
import sys
from typing import Any

from modconsole.cli.output import complain, say, show_json, table
from modconsole.cli.parts import Parts
from modconsole.core.actions import ACTIONS
from modconsole.core.errors import ForumError, WrongUsage
from modconsole.desk.desk import Desk
from modconsole.ports.forum import Forum, ForumInfo, Support
from modconsole.ports.settings import ForumSettings

__all__ = ["add_to"]

_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,30}")


def add_to(commands: Any) -> None:
    forum = commands.add_parser("forum", help="connect forums; the token goes to the keyring")
    verbs = forum.add_subparsers(title="what to do", metavar="VERB", required=True)

    add = verbs.add_parser("add", help="connect a forum: asks for its address and token, and checks them")
    add.add_argument("kind", nargs="?", default="", help="which adapter; lists them when left out")
    add.add_argument("--id", default="", help="your own short name for it, such as evening-forum")
    add.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="give a setting here instead of being asked",
    )
    add.add_argument(
        "--secrets-stdin",
        action="store_true",
        help="read secrets as NAME=VALUE lines from standard input, not by asking",
    )
    add.add_argument("--no-check", action="store_true", help="do not contact the forum now")
    add.set_defaults(command=_add)

    listing = verbs.add_parser("list", help="the forums in the settings")
    listing.add_argument("--json", action="store_true")
    listing.set_defaults(command=_list)

    check = verbs.add_parser("check", help="contact the forums and say what can and cannot be done there")
    check.add_argument("id", nargs="?", default="")
    check.add_argument("--json", action="store_true")
    check.set_defaults(command=_check)

    remove = verbs.add_parser(
        "remove", help="take a forum out of the settings and its token out of the keyring"
    )
    remove.add_argument("id")
    remove.set_defaults(command=_remove)


def _add(parts: Parts, args: argparse.Namespace) -> int:
    parts.start_config()
    settings = parts.settings_file().read()
    if settings.demo:
        raise WrongUsage(
            "This is a demo home: it works with its invented forum only.",
            next_step="Leave MODCONSOLE_HOME unset, or point it at another folder, for a real forum.",
        )
    catalogue = parts.catalogue()
    kind = args.kind or _ask_kind(parts)
    adapter = catalogue.load(kind)
    id = args.id or _ask("A short name for this forum (letters, digits, dashes)", default=kind)
    if not _ID.fullmatch(id):
        raise WrongUsage(f"“{id}” is not a short name.", next_step="Use small letters, digits and dashes.")
    if any(known.id == id for known in settings.forums):
        raise WrongUsage(
            f"There is a forum “{id}” already.", next_step="Choose another name, or remove that one first."
        )
    given = _pairs(args.set)
    secret_lines = _pairs(sys.stdin.read().splitlines()) if args.secrets_stdin else {}
    values, secrets = _fill_form(adapter, given, secret_lines, asks_secrets=not args.secrets_stdin)
    forum = ForumSettings(id, kind, values)
    problems = catalogue.settings_problems(forum)
    if problems:
        raise WrongUsage(" ".join(problems))
    keyring = parts.secrets()
    for name, value in secrets.items():
        if value:
            keyring.set(f"forum/{id}/{name}", value.encode())
    parts.settings_file().add_forum(forum)
    say(f"“{id}” is in {parts.settings_file().path}; its secrets are in {keyring.where}.")
    if args.no_check:
        return 0
    return _check_some(parts.with_new_settings(), [id], as_json=False)


def _ask_kind(parts: Parts) -> str:
    found = [info for info in parts.catalogue().list() if info.kind != "simulated"]
    if not found:
        raise WrongUsage(
            "No adapter is installed.", next_step="Install one, for example `pip install modconsole-synapse`."
        )
    say("Adapters found:", *(f"  {i.kind}  ({i.distribution} {i.version}) {i.problem}" for i in found))
    return _ask("Which kind of forum", default=found[0].kind)


def _fill_form(
    adapter: type[Forum], given: dict[str, str], secret_lines: dict[str, str], *, asks_secrets: bool
) -> tuple[dict[str, object], dict[str, str]]:
    """Ask for what the adapter's own settings declare. Returns the open values and the secret ones, apart."""
    values: dict[str, object] = {}
    secrets: dict[str, str] = {}
    fields = dataclasses.fields(adapter.Settings)
    unknown = sorted((set(given) | set(secret_lines)) - {field.name for field in fields})
    if unknown:
        known = ", ".join(field.name for field in fields)
        raise WrongUsage(
            f"{adapter.title} has no setting {', '.join(unknown)}.", next_step=f"It has: {known}."
        )
    for field in fields:
        label = str(field.metadata.get("label", field.name))
        hint = str(field.metadata.get("help", ""))
        if field.metadata.get("secret"):
            if field.name in given:
                raise WrongUsage(
                    f"“{field.name}” is a secret and must not stand on a command line.",
                    next_step="Leave it out and be asked, or use --secrets-stdin.",
                )
            value = secret_lines.get(field.name, "")
            if not value and asks_secrets:
                say(*([hint] if hint else []))
                value = _ask_secret(label)
            secrets[field.name] = value
            continue
        default = None if field.default is dataclasses.MISSING else field.default
        if field.name in given:
            raw = given[field.name]
        elif asks_secrets and sys.stdin.isatty():
            say(*([hint] if hint else []))
            raw = _ask(label, default="" if default is None else str(default))
        elif default is not None:
            continue
        else:
            raise WrongUsage(
                f"“{field.name}” ({label}) is missing.", next_step=f"Give it with --set {field.name}=…"
            )
        values[field.name] = _typed(raw, default)
    return values, secrets


def _typed(raw: str, default: object) -> object:
    if isinstance(default, bool):
        return raw.strip().lower() in ("yes", "y", "true", "1", "on")
    if isinstance(default, int):
        return int(raw) if raw.strip().lstrip("-").isdigit() else raw
    return raw


def _pairs(lines: list[str]) -> dict[str, str]:
    pairs = {}
    for line in lines:
        name, sign, value = line.partition("=")
        if line.strip() and not sign:
            raise WrongUsage(f"“{name[:20]}” is not of the form NAME=VALUE.")
        if sign:
            pairs[name.strip()] = value.strip()
    return pairs


def _ask(label: str, *, default: str = "") -> str:
    shown = f" [{default}]" if default else ""
    try:
        return input(f"{label}{shown}: ").strip() or default
    except EOFError:
        raise WrongUsage(
            f"“{label}” was not given, and nobody is there to ask.", next_step="Use --set and --id."
        ) from None


def _ask_secret(label: str) -> str:
    try:
        return getpass.getpass(f"{label} (not shown): ").strip()
    except EOFError:
        raise WrongUsage(
            f"“{label}” was not given, and nobody is there to ask.", next_step="Use --secrets-stdin."
        ) from None


def _list(parts: Parts, args: argparse.Namespace) -> int:
    forums = parts.settings_file().read().forums
    found = {info.kind: info for info in parts.catalogue().list()}
    rows = [
        {
            "id": forum.id,
            "kind": forum.kind,
            "adapter": f"{found[forum.kind].distribution} {found[forum.kind].version}"
            if forum.kind in found
            else "",
            "problem": found[forum.kind].problem
            if forum.kind in found
            else "no adapter of this kind is installed",
        }
        for forum in forums
    ]
    if args.json:
        show_json(rows)
    elif rows:
        table(("id", "kind", "adapter", "problem"), [tuple(row.values()) for row in rows])
    else:
        say("No forum yet. `modconsole forum add` connects one; `modconsole demo` shows an invented one.")
    return 0


def _check(parts: Parts, args: argparse.Namespace) -> int:
    ids = [args.id] if args.id else [forum.id for forum in parts.settings_file().read().forums]
    return _check_some(parts, ids, as_json=args.json)


def _check_some(parts: Parts, ids: list[str], *, as_json: bool) -> int:
    desk = parts.desk()
    parts.unlock(desk)
    import asyncio  # here, because most commands have no use for it

    return asyncio.run(_contact(desk, ids, as_json=as_json))


async def _contact(desk: Desk, ids: list[str], *, as_json: bool) -> int:
    code = 0
    answers: list[dict[str, Any]] = []
    try:
        for id in ids:
            try:
                info = await desk.forums.connect(id)
            except ForumError as error:
                code = error.exit_code
                answers.append({"id": id, "ok": False, "problem": error.what})
                complain(error)
                continue
            answers.append({"id": id, "ok": True, **_info_plain(info)})
            if not as_json:
                _info_lines(id, info)
    finally:
        await desk.forums.close()
    if as_json:
        show_json(answers)
    return code


def _info_plain(info: ForumInfo) -> dict[str, Any]:
    return {
        "name": info.name,
        "server": info.server,
        "version": info.version,
        "me": info.me,
        "clock_skew": info.clock_skew,
        "missing": list(info.missing),
        "actions": {
            action.value: {
                "support": info.capabilities.of(action).support,
                "note": info.capabilities.of(action).note,
            }
            for action in ACTIONS
        },
    }


def _info_lines(id: str, info: ForumInfo) -> None:
    say(f"{id}: {info.name}, {info.server} {info.version}, as {info.me_name or info.me}")
    if abs(info.clock_skew) > 60:
        say(f"  its clock is {info.clock_skew:+.0f} s from ours")
    for missing in info.missing:
        say(f"  not with this token: {missing}")
    words = {
        Support.NATIVE: "the forum does it",
        Support.EMULATED: "done with other calls",
        Support.NONE: "by hand",
        Support.UNWRITTEN: "by hand (the adapter does not do it yet)",
    }
    for action, spec in ACTIONS.items():
        ability = info.capabilities.of(action)
        if ability.works or ability.note:
            say(f"  {spec.label}: {words[ability.support]}{f'; {ability.note}' if ability.note else ''}")


def _remove(parts: Parts, args: argparse.Namespace) -> int:
    settings = parts.settings_file().read()
    known = next((forum for forum in settings.forums if forum.id == args.id), None)
    if known is None:
        raise WrongUsage(
            f"There is no forum “{args.id}” in the settings.", next_step="See `modconsole forum list`."
        )
    keyring = parts.secrets()
    prefix = f"forum/{args.id}/"
    names = {name for name in keyring.names() if name.startswith(prefix)}
    with contextlib.suppress(WrongUsage):  # without its adapter, what the keyring names is all we can delete
        fields = dataclasses.fields(parts.catalogue().load(known.kind).Settings)
        names |= {prefix + field.name for field in fields if field.metadata.get("secret")}
    for name in sorted(names):
        keyring.delete(name)
    parts.settings_file().remove_forum(args.id)
    say(f"“{args.id}” is out of the settings and its secrets are deleted. Its cases and log entries stay.")
    return 0
