"""A throw-away Synapse: members, messages and reports go in; what the homeserver says comes out."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from tests.live.server import Account, Answer, Loopback, RigError, part, run_script

__all__ = ["Received", "SynapseMessage", "SynapseRig", "SynapseSeed", "seed_synapse"]

MEMBERS = ("heron", "juniper", "sparrow", "wren")
MODERATOR = "moderator"
ROOM_NAME = "Peer support lounge"
CLIENT = "/_matrix/client/v3"
ADMIN = "/_synapse/admin"


@dataclass(frozen=True)
class SynapseMessage:
    """One message in the lounge."""

    id: str
    author: str
    text: str


@dataclass(frozen=True)
class Received:
    """A message that reached somebody outside the lounge: a server notice, or a direct message."""

    room_id: str
    sender: str
    text: str


@dataclass
class SynapseRig:
    """One running homeserver called `rig.test`, with one room.

    An adapter needs `server.base`, `room_id`, and the `login` and `password` (or the `token`) of the moderator,
    who is a server administrator and has power in the room.
    """

    folder: str = ""
    """Where the rig is installed; empty for the scripts' own choice."""
    ratelimit: bool = False
    """Keep Synapse's own limits: after about ten messages in a row it answers 429."""
    server: Loopback = field(init=False)
    room_id: str = field(init=False, default="")
    accounts: dict[str, Account] = field(init=False, default_factory=dict)
    seed: SynapseSeed = field(init=False)
    """What the site was filled with; set once it has been."""
    _secret: str = field(init=False, repr=False)
    _numbers: Iterator[int] = field(init=False, repr=False, default_factory=itertools.count)

    # -- coming and going ------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start a fresh site: no members, no room. Whatever ran before on this site is stopped."""
        limits = "on" if self.ratelimit else "off"
        printed = run_script("synapse/start.sh", self.folder, self._site, RATELIMIT=limits)
        site = json.loads(Path(printed).read_text(encoding="utf-8"))
        self.server, self._secret = Loopback(site["url"]), site["shared_secret"]
        self.room_id, self.accounts = "", {}

    def stop(self) -> None:
        """Stop it; stopping twice is fine."""
        run_script("synapse/stop.sh", self.folder, self._site)

    def __enter__(self) -> Self:
        """Start, for a with-statement."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop, however the with-statement ends."""
        self.stop()

    @property
    def _site(self) -> str:
        """Name the site's folder: a site with limits can run beside one without."""
        return "limited" if self.ratelimit else "run"

    @property
    def moderator(self) -> Account:
        """The account that made the room: server administrator, and in power there."""
        return self.accounts[MODERATOR]

    # -- what people do --------------------------------------------------------------------------------------

    def register(self, name: str, *, admin: bool = False) -> Account:
        """Make an account, by the shared secret that only this site's own folder holds."""
        nonce = self.server.call("GET", f"{ADMIN}/v1/register")["nonce"]
        password = f"{name}-pass-1"
        words = (nonce, name, password, "admin" if admin else "notadmin")
        # SHA-1 is what Synapse asks for here.
        proof = hmac.new(self._secret.encode(), b"\0".join(word.encode() for word in words), hashlib.sha1)
        made = self.server.call(
            "POST",
            f"{ADMIN}/v1/register",
            {
                "nonce": nonce,
                "username": name,
                "displayname": name.title(),
                "password": password,
                "admin": admin,
                "mac": proof.hexdigest(),
            },
        )
        account = Account(name, made["user_id"], name, password, made["access_token"])
        self.accounts[name] = account
        return account

    def open_room(self) -> str:
        """Let the moderator open the lounge; everybody else who has an account joins."""
        asked = {"preset": "public_chat", "name": ROOM_NAME, "room_alias_name": "lounge"}
        self.room_id = self.as_person(MODERATOR, "POST", f"{CLIENT}/createRoom", asked)["room_id"]
        for name in self.accounts:
            if name != MODERATOR:
                self.as_person(name, "POST", f"{CLIENT}/join/{part(self.room_id)}", {})
        return self.room_id

    def send(self, author: str, text: str, *, reply_to: SynapseMessage | None = None) -> SynapseMessage:
        """Write in the lounge; with `reply_to`, as an answer to that message."""
        answer = self.try_to_send(author, text, reply_to=reply_to)
        if answer.status != 200:
            raise RigError(f"{author}'s message was answered {answer.status}: {answer.body}")
        return SynapseMessage(answer.body["event_id"], author, text)

    def try_to_send(self, author: str, text: str, *, reply_to: SynapseMessage | None = None) -> Answer:
        """Write in the lounge and return the answer, whatever it is."""
        content: dict[str, Any] = {"msgtype": "m.text", "body": text}
        if reply_to is not None:
            content["m.relates_to"] = {"m.in_reply_to": {"event_id": reply_to.id}}
        path = f"{self._room}/send/m.room.message/rig-{next(self._numbers)}"
        return self.server.ask("PUT", path, content, token=self.accounts[author].token)

    def report(self, reporter: str, message: SynapseMessage, reason: str = "") -> None:
        """Report a message; without words if `reason` is empty."""
        path = f"{self._room}/report/{part(message.id)}"
        self.as_person(reporter, "POST", path, {"reason": reason} if reason else {})

    def report_member(self, reporter: str, member: str, reason: str) -> None:
        """Report a person."""
        path = f"{CLIENT}/users/{part(self.accounts[member].id)}/report"
        self.as_person(reporter, "POST", path, {"reason": reason})

    def redact(self, author: str, message: SynapseMessage) -> None:
        """Take back a message as its author would, or remove it by hand as the moderator."""
        path = f"{self._room}/redact/{part(message.id)}/rig-{next(self._numbers)}"
        self.as_person(author, "PUT", path, {})

    def as_person(self, name: str, method: str, path: str, body: object = None) -> Any:
        """Ask as one of the accounts, for something that must succeed."""
        return self.server.call(method, path, body, token=self.accounts[name].token)

    # -- what the server says --------------------------------------------------------------------------------

    def reports(self) -> list[dict[str, Any]]:
        """Read every report of a message that the server still holds, oldest first."""
        found = self.as_person(MODERATOR, "GET", f"{ADMIN}/v1/event_reports?dir=f&limit=1000")
        rows: list[dict[str, Any]] = found["event_reports"]
        return rows

    def reports_on(self, message: SynapseMessage) -> list[dict[str, Any]]:
        """Read the reports of one message, oldest first."""
        return [row for row in self.reports() if row["event_id"] == message.id]

    def member_reports(self) -> list[dict[str, Any]]:
        """Read every report of a person, oldest first."""
        found = self.as_person(MODERATOR, "GET", f"{ADMIN}/v1/user_reports?dir=f&limit=1000")
        rows: list[dict[str, Any]] = found["user_reports"]
        return rows

    def event_as_seen(self, message: SynapseMessage, by: str = "wren") -> dict[str, Any]:
        """Read a message as an ordinary member does; after a redaction its `content` is empty."""
        event: dict[str, Any] = self.as_person(by, "GET", f"{self._room}/event/{part(message.id)}")
        return event

    def text_as_seen(self, message: SynapseMessage, by: str = "wren") -> str | None:
        """Read the words of a message as an ordinary member does; None once they are gone."""
        text: str | None = self.event_as_seen(message, by)["content"].get("body")
        return text

    def redactions(self) -> list[dict[str, Any]]:
        """Read the redactions made in the lounge, newest first (events of type m.room.redaction)."""
        return [event for event in self._history(self.room_id) if event["type"] == "m.room.redaction"]

    def redactions_of(self, message: SynapseMessage) -> list[dict[str, Any]]:
        """Read the redactions of one message: one, if nothing was done twice."""
        return [
            event
            for event in self.redactions()
            if message.id in (event.get("redacts"), event["content"].get("redacts"))
        ]

    def texts_in_room(self) -> list[str]:
        """Read every message that still has words in the lounge, newest first."""
        return [
            event["content"]["body"] for event in self._history(self.room_id) if "body" in event["content"]
        ]

    def user_detail(self, name: str) -> dict[str, Any]:
        """Read what the server knows of an account: `locked`, `suspended`, `deactivated`, `shadow_banned`."""
        found: dict[str, Any] = self.as_person(MODERATOR, "GET", f"{ADMIN}/v2/users/{part(self._id(name))}")
        return found

    def membership(self, name: str) -> str:
        """Read how a person stands in the lounge: `join`, `leave` (also after a kick) or `ban`."""
        path = f"{self._room}/state/m.room.member/{part(self._id(name))}"
        return str(self.as_person(MODERATOR, "GET", path)["membership"])

    def messages_received_by(self, name: str) -> list[Received]:
        """Read what reached a person outside the lounge: notices and direct messages, oldest first.

        They look for themselves: a waiting invitation is accepted, as their client would ask them to.
        """
        me = self.accounts[name]
        rooms = self.as_person(name, "GET", f"{CLIENT}/sync")["rooms"]
        for invited in rooms.get("invite", {}):
            self.as_person(name, "POST", f"{CLIENT}/join/{part(invited)}", {})
        found = []
        for room in {*rooms.get("invite", {}), *rooms.get("join", {})} - {self.room_id}:
            path = f"{CLIENT}/rooms/{part(room)}/messages?dir=f&limit=100"
            events = self.as_person(name, "GET", path)["chunk"]
            found += [
                (event["origin_server_ts"], Received(room, event["sender"], event["content"]["body"]))
                for event in events
                if event["type"] == "m.room.message" and event["sender"] != me.id
            ]
        return [received for _, received in sorted(found, key=lambda pair: pair[0])]

    # -- how ------------------------------------------------------------------------------------------------

    @property
    def _room(self) -> str:
        return f"{CLIENT}/rooms/{part(self.room_id)}"

    def _id(self, name: str) -> str:
        return self.accounts[name].id

    def _history(self, room_id: str) -> list[dict[str, Any]]:
        path = f"{ADMIN}/v1/rooms/{part(room_id)}/messages?dir=b&limit=500"
        events: list[dict[str, Any]] = self.as_person(MODERATOR, "GET", path)["chunk"]
        return events


@dataclass(frozen=True)
class SynapseSeed:
    """What `seed_synapse` wrote, by what it is good for."""

    low: SynapseMessage
    """heron has a rough week and three people answer; reported out of worry, once with words and once without."""
    unkind: SynapseMessage
    """juniper's message in between; reported without words."""
    advert: SynapseMessage
    """sparrow advertises; reported by three people; so is sparrow, once."""
    phone: SynapseMessage
    """wren gives a telephone number (one reserved for fiction); reported."""
    quiet: SynapseMessage
    """A message that nobody reported."""


def seed_synapse(rig: SynapseRig) -> None:
    """Fill a fresh site and say in `rig.seed` with what: four members, a moderator, the lounge, messages, reports.

    Seven reports are about four messages, and one is about a person.
    """
    rig.register(MODERATOR, admin=True)
    for name in MEMBERS:
        rig.register(name)
    rig.open_room()

    quiet = rig.send("wren", "What small thing went well for you today?")
    rig.send("heron", "I watered the plants.", reply_to=quiet)
    low = rig.send("heron", "I had a rough week and could use some company.")
    answer = rig.send("wren", "I am here. Want to talk about it?", reply_to=low)
    unkind = rig.send("juniper", "You are all wasting your time here.")
    rig.send("heron", "Thank you for answering, it helps.", reply_to=answer)
    advert = rig.send("sparrow", "Everything must go: bracelets at example.invalid")
    phone = rig.send("wren", "If you would rather talk, ring me on 01632 960 123.")

    rig.report("wren", low, "I am worried about heron.")
    rig.report("juniper", low)
    rig.report("heron", unkind)
    rig.report("heron", advert, "An advertisement in a support group.")
    rig.report("juniper", advert, "Not what it says it is.")
    rig.report("wren", advert)
    rig.report_member("wren", "sparrow", "The same advertisement everywhere.")
    rig.report("heron", phone, "A telephone number is in this message.")
    rig.seed = SynapseSeed(low=low, unkind=unkind, advert=advert, phone=phone, quiet=quiet)
