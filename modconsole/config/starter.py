"""The first `config.toml` of a home: short, true as it stands, and saying what can be changed."""

from __future__ import annotations

import json

__all__ = ["starter"]

_REAL = """\
# modconsole: the settings of this home. Change them in any editor; `modconsole config` checks and explains them.
# No secrets in here: tokens and passwords live in the keyring of this computer.

[service]
org = {org}                     # your organisation, as the log names it
time_zone = {time_zone}         # such as "Europe/London"; times are stored in UTC and shown in this zone
# When moderators are there. Without this line the queue shows ages and no targets.
# staffed_hours = ["Mon-Fri 08:00-24:00", "Sat, Sun 10:00-18:00"]
# Which protocols fit: where your members live, how old they are, what kind of forum it is.
# jurisdictions = ["GB-ENG"]
# age_bands = ["adult"]         # u13, 13_15, 16_17, adult, unknown
# forum_types = ["charity"]
# allow_drafts = false          # let draft protocols run on real cases
# undo_seconds = 10             # how long a decision can be undone before anything is sent

# Who to reach in an emergency; shown by the ! key on every screen.
# [[service.contacts]]
# role = "safeguarding lead"
# name = "the name your team uses"
# reach = "how to reach them: a number, a room, a channel"
# hours = "when"

[me]
pseudonym = {pseudonym}         # how the log names you; not your e-mail address
role = {role}

[device]
id = {device}                   # names this computer in the log; better not changed later

# What your forum calls its reasons, and the topic each should count as.
# [reasons]
# "off topic" = "trolling"

# [look]
# theme = "dark"                # dark, light, contrast, plain
# unfold = false                # show text at once instead of folded

# `modconsole forum add` writes the forums below.
"""

_DEMO = """\
# modconsole: the settings of a demo home. Everything in it is invented, and it takes simulated forums only.

[service]
demo = true
org = {org}
time_zone = {time_zone}
staffed_hours = ["Mon-Sun 00:00-24:00"]
jurisdictions = ["GB-ENG"]
age_bands = ["adult"]
forum_types = ["charity"]

[[service.contacts]]
role = "safeguarding lead"
name = "Sam (invented)"
reach = "the demo rings nobody"

[me]
pseudonym = {pseudonym}
role = {role}

[device]
id = {device}

[[forum]]
id = "demo"
kind = "simulated"
"""


def starter(*, demo: bool, org: str, time_zone: str, pseudonym: str, role: str, device: str) -> str:
    """Write the text of a first `config.toml`."""
    values = {
        "org": org,
        "time_zone": time_zone,
        "pseudonym": pseudonym,
        "role": role,
        "device": device,
    }
    return (_DEMO if demo else _REAL).format_map({name: _quoted(value) for name, value in values.items()})


def _quoted(text: str) -> str:
    """Write a TOML string. JSON's are the same, but for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
