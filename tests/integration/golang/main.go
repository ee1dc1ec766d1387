// Verifies the checkpoints and proofs of an unpacked case with the code of Go's checksum database.
//
// go run . VERIFIER-KEY FOLDER
package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sort"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type proof struct {
	Entry string   `json:"entry"`
	Index int64    `json:"index"`
	Path  []string `json:"path"`
}

func main() {
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "refused:", err)
		os.Exit(1)
	}
}

func run(key, folder string) error {
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return err
	}
	names, err := filepath.Glob(filepath.Join(folder, "checkpoints", "*.note"))
	if err != nil {
		return err
	}
	sort.Strings(names)
	trees := map[string]tlog.Tree{}
	var newest tlog.Tree
	for _, name := range names {
		tree, err := open(name, verifier)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		trees["checkpoints/"+filepath.Base(name)] = tree
		newest = tree
	}
	var growth map[string][]string
	if err := load(filepath.Join(folder, "consistency.json"), &growth); err != nil {
		return err
	}
	for name, path := range growth {
		hashes, err := decode(path)
		if err != nil {
			return err
		}
		tree := trees[name]
		if err := tlog.CheckTree(hashes, newest.N, newest.Hash, tree.N, tree.Hash); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	entries, err := filepath.Glob(filepath.Join(folder, "entries", "*.json"))
	if err != nil {
		return err
	}
	for _, name := range entries {
		var found proof
		if err := load(name, &found); err != nil {
			return err
		}
		hashes, err := decode(found.Path)
		if err != nil {
			return err
		}
		leaf := tlog.RecordHash([]byte(found.Entry))
		if err := tlog.CheckRecord(hashes, newest.N, newest.Hash, found.Index, leaf); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	fmt.Printf("%d checkpoints, %d consistency proofs, %d entries\n", len(trees), len(growth), len(entries))
	return nil
}

// open verifies a note and reads the tree in it: origin, size, root.
func open(name string, verifier note.Verifier) (tlog.Tree, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return tlog.Tree{}, err
	}
	opened, err := note.Open(data, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	var origin, root string
	var size int64
	if _, err := fmt.Sscanf(opened.Text, "%s\n%d\n%s\n", &origin, &size, &root); err != nil {
		return tlog.Tree{}, err
	}
	hash, err := tlog.ParseHash(root)
	return tlog.Tree{N: size, Hash: hash}, err
}

func load(name string, into any) error {
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, into)
}

func decode(path []string) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(path))
	for i, text := range path {
		data, err := hex.DecodeString(text)
		if err != nil || len(data) != len(hashes[i]) {
			return nil, fmt.Errorf("%q is no hash", text)
		}
		copy(hashes[i][:], data)
	}
	return hashes, nil
}
