"""What an export says of itself: how to check it without us, with the commands as they are to be typed.

The commands and programs are run by tests/interop, word for word.
"""

from __future__ import annotations

from collections.abc import Sequence
from string import Template

from modconsole.ports.audit import LogHead

__all__ = ["evidence_readme", "tiles_readme"]


def tiles_readme(head: LogHead) -> str:
    """Give the README of one log as tiles."""
    return _TILES.substitute(
        origin=head.origin, size=head.size, vkey=head.vkey, openssl=_OPENSSL, go=_GO_TILES, run=_RUN_GO
    )


def evidence_readme(head: LogHead, indices: Sequence[int], case: str) -> str:
    """Give the README of one case's entries."""
    return _EVIDENCE.substitute(
        origin=head.origin,
        size=head.size,
        vkey=head.vkey,
        case=case,
        indices=", ".join(map(str, indices)),
        first=indices[0],
        openssl=_OPENSSL,
        go=_GO_EVIDENCE,
        run=_RUN_GO,
    )


_OPENSSL = r"""```sh
sed '/^$/,$d' checkpoint > signed-text
printf '\060\052\060\005\006\003\053\145\160\003\041\000' > key.der
cut -d+ -f3- vkey | base64 -d | tail -c 32 >> key.der
grep -F "— $(cut -d+ -f1 vkey) " checkpoint | head -n 1 | cut -d' ' -f3 | base64 -d | tail -c 64 > signature
openssl pkeyutl -verify -pubin -keyform DER -inkey key.der -rawin -in signed-text -sigfile signature
```"""

_RUN_GO = """```sh
GO111MODULE=off GOPATH=/usr/share/gocode go run check.go "$(cat vkey)"
```

That is for Debian and its like, with the packages golang-go and golang-golang-x-mod-dev. Elsewhere, with Go alone:
`go mod init check`, then `go get golang.org/x/mod`, then `go run . "$(cat vkey)"`."""

_GO_HEAD = """
	log.SetFlags(0)
	key, err := note.NewVerifier(os.Args[1])
	must(err)
"""

_GO_HELP = """
// signed checks a head's signature and gives the size and the root that were signed.
func signed(text string, key note.Verifier) (int64, tlog.Hash) {
	head, err := note.Open([]byte(text), note.VerifierList(key))
	must(err)
	lines := strings.Split(head.Text, "\\n")
	if lines[0] != key.Name() {
		log.Fatalf("this is the head of %q, not of %q", lines[0], key.Name())
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(err)
	root, err := tlog.ParseHash(lines[2])
	must(err)
	return size, root
}

func read(name string) []byte {
	data, err := os.ReadFile(name)
	must(err)
	return data
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
"""

_GO_TILES = (
    """```go
package main

import (
	"encoding/binary"
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func main() {"""
    + _GO_HEAD
    + """	size, root := signed(string(read("checkpoint")), key)
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(places []int64) ([]tlog.Hash, error) {
		var found []tlog.Hash
		for _, place := range places {
			found = append(found, stored[place])
		}
		return found, nil
	})
	for n := int64(0); n < size; n++ {
		if n%256 == 0 {
			bundle = read(path(n/256, size-n))
		}
		hashes, err := tlog.StoredHashes(n, next(), reader)
		must(err)
		stored = append(stored, hashes...)
	}
	computed, err := tlog.TreeHash(size, reader)
	must(err)
	if computed != root {
		log.Fatalf("the %d entries give the root %v, and %v was signed", size, computed, root)
	}
	fmt.Printf("%s: all %d entries give the root that was signed, %v\\n", key.Name(), size, root)
}

var bundle []byte // what is left of the entry bundle: each entry after its length in two bytes

func next() []byte {
	length := int(binary.BigEndian.Uint16(bundle))
	entry := bundle[2 : 2+length]
	bundle = bundle[2+length:]
	return entry
}

// path gives where the entry bundle with this number is, when this many entries are left.
func path(number, left int64) string {
	if left > 256 {
		left = 256
	}
	tile := tlog.Tile{H: 8, L: -1, N: number, W: int(left)}
	return strings.Replace(tile.Path(), "tile/8/data/", "tile/entries/", 1)
}
"""
    + _GO_HELP
    + "```"
)

_GO_EVIDENCE = (
    """```go
package main

import (
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func main() {"""
    + _GO_HEAD
    + """	proofs, err := filepath.Glob("entries/*.tlog-proof")
	must(err)
	for _, name := range proofs {
		proof, checkpoint, _ := strings.Cut(string(read(name)), "\\n\\n")
		lines := strings.Split(proof, "\\n") // the first names the format, the second the index
		index, err := strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64)
		must(err)
		if name != fmt.Sprintf("entries/%d.tlog-proof", index) {
			log.Fatalf("%s is of entry %d", name, index)
		}
		var beside tlog.RecordProof
		for _, line := range lines[2:] {
			hash, err := tlog.ParseHash(line)
			must(err)
			beside = append(beside, hash)
		}
		size, root := signed(checkpoint, key)
		leaf := read(strings.TrimSuffix(name, ".tlog-proof") + ".leaf")
		must(tlog.CheckRecord(beside, size, root, index, tlog.RecordHash(leaf)))
		fmt.Printf("%s: entry %d is in the log of %d entries that was signed\\n", key.Name(), index, size)
	}
	if len(proofs) == 0 {
		log.Fatal("there is no proof here")
	}
}
"""
    + _GO_HELP
    + "```"
)

_KEY = """## The key

`vkey` holds the public key that signed:

    $vkey

Anybody can write a log and sign it with a key of their own. So compare this line with the one you were given for
this device in some other way, before you rely on anything below. With `modconsole` on the other side it is shown by
`modconsole audit verify --json`.
"""

_SIGNATURE = """## The signature, with openssl (3.0 or newer)

`checkpoint` is a C2SP signed note: the text up to the empty line is what was signed, with Ed25519. In this folder:

$openssl

It says `Signature Verified Successfully`. The signed text is the log's name, its number of entries, and the root over
them all (RFC 6962, RFC 9162; SHA-256) in base64.
"""

_TILES = Template(
    """# The log $origin

$size sealed entries, to be checked by anybody, without the program that wrote them and without trusting whoever
handed them over. Nothing here is encrypted and nothing here can be opened: the private parts of entries are not in it,
only the hashes of their ciphertexts. The layout is C2SP tlog-tiles (c2sp.org/tlog-tiles):

| file | holds |
|---|---|
| `checkpoint` | the signed head: name, number of entries, root |
| `vkey` | the public key that signed it |
| `tile/entries/...` | the entries, 256 to a file, each after its length in two bytes (big-endian) |
| `tile/0/...`, `tile/1/...` | their hashes, and the hashes above them |

"""
    + _KEY
    + "\n"
    + _SIGNATURE
    + """
## Signature and root, with Go

Save this as `check.go` in this folder. It checks the signature, hashes every entry and compares the root:

$go

Then, in this folder:

$run

## With modconsole

`modconsole audit verify --tiles . --vkey "$$(cat vkey)"` does the same, checks the tiles too, and names the first entry
that differs. It needs no keys and no settings.

## What this cannot tell you

That this head is the newest, and that others were not shown another one: compare it with heads that somebody else
kept. That what was done was all written down: compare it with the forum's own record. When an entry was made: its
time is what the device said.
"""
)

_EVIDENCE = Template(
    """# Entries about case $case, in the log $origin

Entries $indices of a log that had $size when this was written, each with a proof that it is in that log at that place.
Nothing here is encrypted and nothing here can be opened: the private parts of entries are not in it, only the hashes
of their ciphertexts.

| file | holds |
|---|---|
| `entries/N.leaf` | entry N, byte for byte as it was hashed |
| `entries/N.tlog-proof` | its proof (C2SP, c2sp.org/tlog-proof): index, hashes on the way to the root, signed head |
| `checkpoint` | the signed head by itself |
| `vkey` | the public key that signed it |

"""
    + _KEY
    + "\n"
    + _SIGNATURE
    + """
## Signature and proofs, with Go

Save this as `check.go` in this folder. It checks every proof, with the signature in it:

$go

Then, in this folder:

$run

## One entry's hash by hand

```sh
(printf '\\000'; cat entries/$first.leaf) | openssl dgst -sha256
```

## With modconsole

`modconsole audit verify --evidence . --vkey "$$(cat vkey)"` does the same. It needs no keys and no settings.

## What this cannot tell you

That these are all the entries about the case: only the whole log shows what was left out. That the head is the
newest, and that others were not shown another one: compare it with heads that somebody else kept. When an entry was
made: its time is what the device said.
"""
)
