// Command check prints what a stored installation knows, as JSON; exit 0 usable, 1 not.
//
//	check SETTINGS.json status|refresh|force
//	check SETTINGS.json status [-keys FILE] [-revocations FILE]   takes in what was carried here
//	check SETTINGS.json verify < TOKEN                            verifies one token offline
//
// SETTINGS.json is what an installer stores; "jwks" and "root" are paths of what is pinned, relative to it.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"example.com/signet/signetlicense"
)

const usage = "usage: check SETTINGS.json status|refresh|force|verify [--keys FILE] [--revocations FILE]"

func main() {
	log.SetFlags(0)
	files := flag.NewFlagSet("check", flag.ExitOnError)
	keys := files.String("keys", "", "a signed key set")
	revocations := files.String("revocations", "", "a list of revoked licenses")
	files.Usage = func() { fmt.Fprintln(os.Stderr, usage) }
	if len(os.Args) < 3 {
		files.Usage()
		os.Exit(2)
	}
	if err := files.Parse(os.Args[3:]); err != nil {
		log.Fatal(err)
	}
	license := signetlicense.New(readSettings(os.Args[1]), clock)
	var outcome struct {
		KeysFile        string `json:"keys_file,omitempty"`
		RevocationsFile string `json:"revocations_file,omitempty"`
		Refresh         string `json:"refresh,omitempty"`
		signetlicense.Status
	}
	if *keys != "" {
		outcome.KeysFile = license.TakeKeySet(carried(*keys))
	}
	if *revocations != "" {
		outcome.RevocationsFile = license.TakeRevocations(carried(*revocations))
	}
	switch os.Args[2] {
	case "verify":
		verify(license)
	case "refresh", "force":
		outcome.Refresh = license.RefreshIfDue(os.Args[2] == "force")
	case "status":
	default:
		files.Usage()
		os.Exit(2)
	}
	outcome.Status = license.Status()
	text, err := json.Marshal(outcome)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(text))
	if !outcome.Usable {
		os.Exit(1)
	}
}

func readSettings(path string) (settings signetlicense.Settings) {
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &settings)
	}
	if err != nil {
		log.Fatal(err)
	}
	for _, pinned := range []*string{&settings.JWKS, &settings.Root} {
		if *pinned != "" && !filepath.IsAbs(*pinned) {
			*pinned = filepath.Join(filepath.Dir(path), *pinned)
		}
		if *pinned != "" {
			*pinned = carried(*pinned)
		}
	}
	return settings
}

func carried(path string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		log.Fatal(err)
	}
	return strings.TrimSpace(string(data))
}

func verify(license *signetlicense.License) {
	token, err := io.ReadAll(os.Stdin)
	if err != nil {
		log.Fatal(err)
	}
	if _, refusal := license.Verify(strings.TrimSpace(string(token))); refusal != "" {
		fmt.Println(refusal)
		os.Exit(1)
	}
	fmt.Println("valid")
	os.Exit(0)
}

// clock: SIGNET_EXAMPLE_NOW is for trying things out; the library itself reads the clock.
func clock() int64 {
	if moved, err := strconv.ParseInt(os.Getenv("SIGNET_EXAMPLE_NOW"), 10, 64); err == nil {
		return moved
	}
	return time.Now().Unix()
}
