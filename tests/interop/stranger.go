// A stranger to modconsole: writes and checks tile logs with Go's own packages and nothing of ours.
//
//	stranger write DIR SIZE NAME ORIGIN   write a C2SP tile log of SIZE entries; print its verifier key
//	stranger check DIR VKEY               check signature, tiles, every inclusion and every consistency proof
//	stranger prove DIR                    print inclusion and consistency proofs as JSON
//	stranger continues OLD OLDROOT SIZE ROOT HASH...   check a consistency proof
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func main() {
	log.SetFlags(0)
	arguments := os.Args[2:]
	switch os.Args[1] {
	case "write":
		write(arguments[0], number(arguments[1]), arguments[2], arguments[3])
	case "check":
		check(arguments[0], arguments[1])
	case "prove":
		prove(arguments[0])
	case "continues":
		var proof tlog.TreeProof
		for _, text := range arguments[4:] {
			proof = append(proof, hash(text))
		}
		must(tlog.CheckTree(proof, number(arguments[2]), hash(arguments[3]), number(arguments[0]), hash(arguments[1])))
	}
}

func entry(n int64) []byte {
	return []byte(fmt.Sprintf("entry %d %s", n, strings.Repeat("x", int(n%7))))
}

func write(dir string, size int64, name, origin string) {
	var stored []tlog.Hash
	reader := inMemory(&stored)
	for n := int64(0); n < size; n++ {
		hashes, err := tlog.StoredHashes(n, entry(n), reader)
		must(err)
		stored = append(stored, hashes...)
	}
	for _, tile := range tlog.NewTiles(8, 0, size) {
		data, err := tlog.ReadTileData(tile, reader)
		must(err)
		put(dir, strings.Replace(tile.Path(), "tile/8/", "tile/", 1), data)
		if tile.L == 0 {
			var bundle bytes.Buffer
			for n := tile.N * 256; n < tile.N*256+int64(tile.W); n++ {
				text := entry(n)
				bundle.Write([]byte{byte(len(text) >> 8), byte(len(text))})
				bundle.Write(text)
			}
			put(dir, strings.Replace(tile.Path(), "tile/8/0/", "tile/entries/", 1), bundle.Bytes())
		}
	}
	root, err := tlog.TreeHash(size, reader)
	must(err)
	secret, public, err := note.GenerateKey(bytes.NewReader(bytes.Repeat([]byte{7}, 64)), name)
	must(err)
	other, _, err := note.GenerateKey(bytes.NewReader(bytes.Repeat([]byte{8}, 64)), "somebody.else")
	must(err)
	text := fmt.Sprintf("%s\n%d\n%v\n", origin, size, root)
	put(dir, "checkpoint", sign(text, other, secret))
	put(dir, "extended", sign(text+"an extension line\n", secret))
	fmt.Println(public)
}

func sign(text string, secrets ...string) []byte {
	var signers []note.Signer
	for _, secret := range secrets {
		signer, err := note.NewSigner(secret)
		must(err)
		signers = append(signers, signer)
	}
	signed, err := note.Sign(&note.Note{Text: text}, signers...)
	must(err)
	return signed
}

func check(dir, vkey string) {
	key, err := note.NewVerifier(vkey)
	must(err)
	head, err := note.Open(read(dir, "checkpoint"), note.VerifierList(key))
	must(err)
	tree := treeOf(head.Text)
	reader := tlog.TileHashReader(tree, tiles{dir})
	root, err := tlog.TreeHash(tree.N, reader)
	must(err)
	if root != tree.Hash {
		log.Fatalf("root %v, signed %v", root, tree.Hash)
	}
	for n := int64(0); n < tree.N; n++ {
		proof, err := tlog.ProveRecord(tree.N, n, reader)
		must(err)
		must(tlog.CheckRecord(proof, tree.N, tree.Hash, n, leaf(dir, tree.N, n)))
		older, err := tlog.TreeHash(n+1, reader)
		must(err)
		continues, err := tlog.ProveTree(tree.N, n+1, reader)
		must(err)
		must(tlog.CheckTree(continues, tree.N, tree.Hash, n+1, older))
	}
	fmt.Printf("%d entries\n", tree.N)
}

func leaf(dir string, size, n int64) tlog.Hash {
	width := size - n/256*256
	if width > 256 {
		width = 256
	}
	path := tlog.Tile{H: 8, L: -1, N: n / 256, W: int(width)}.Path()
	data := read(dir, strings.Replace(path, "tile/8/data/", "tile/entries/", 1))
	for at := n / 256 * 256; ; at++ {
		length := 2 + int(data[0])<<8 + int(data[1])
		if at == n {
			return tlog.RecordHash(data[2:length])
		}
		data = data[length:]
	}
}

func prove(dir string) {
	tree := treeOf(string(read(dir, "checkpoint")))
	reader := tlog.TileHashReader(tree, tiles{dir})
	type proved struct {
		Leaf, OldRoot       string
		Inclusion, Continue []string
	}
	var all []proved
	for n := int64(0); n < tree.N; n++ {
		record, err := tlog.ProveRecord(tree.N, n, reader)
		must(err)
		older, err := tlog.TreeHash(n+1, reader)
		must(err)
		continues, err := tlog.ProveTree(tree.N, n+1, reader)
		must(err)
		all = append(all, proved{leaf(dir, tree.N, n).String(), older.String(), texts(record), texts(continues)})
	}
	must(json.NewEncoder(os.Stdout).Encode(all))
}

func texts(hashes []tlog.Hash) []string {
	found := []string{}
	for _, h := range hashes {
		found = append(found, h.String())
	}
	return found
}

func treeOf(text string) tlog.Tree {
	lines := strings.Split(text, "\n")
	return tlog.Tree{N: number(lines[1]), Hash: hash(lines[2])}
}

func inMemory(stored *[]tlog.Hash) tlog.HashReader {
	return tlog.HashReaderFunc(func(places []int64) ([]tlog.Hash, error) {
		var found []tlog.Hash
		for _, place := range places {
			found = append(found, (*stored)[place])
		}
		return found, nil
	})
}

type tiles struct{ dir string }

func (t tiles) Height() int { return 8 }

func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range wanted {
		found = append(found, read(t.dir, strings.Replace(tile.Path(), "tile/8/", "tile/", 1)))
	}
	return found, nil
}

func put(dir, name string, data []byte) {
	path := filepath.Join(dir, name)
	must(os.MkdirAll(filepath.Dir(path), 0o755))
	must(os.WriteFile(path, data, 0o644))
}

func read(dir, name string) []byte {
	data, err := os.ReadFile(filepath.Join(dir, name))
	must(err)
	return data
}

func number(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	must(err)
	return n
}

func hash(text string) tlog.Hash {
	h, err := tlog.ParseHash(text)
	must(err)
	return h
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
