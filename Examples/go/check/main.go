// Command check prints what a stored installation knows, as JSON; exit 0 usable, 1 not.
//
//	check SETTINGS.json status|refresh|force
//	check SETTINGS.json verify < TOKEN          verifies one token offline
//
// SETTINGS.json is what an installer stores; "jwks" is the path of the pinned key set, relative to it.
package main

import (
	"encoding/json"
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

func main() {
	log.SetFlags(0)
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: check SETTINGS.json status|refresh|force|verify")
		os.Exit(2)
	}
	settings := readSettings(os.Args[1])
	license := signetlicense.New(settings, clock)
	var outcome string
	switch os.Args[2] {
	case "verify":
		verify(settings, license.Installation)
	case "refresh", "force":
		outcome = license.RefreshIfDue(os.Args[2] == "force")
	}
	status := license.Status()
	text, err := json.Marshal(struct {
		Refresh string `json:"refresh,omitempty"`
		signetlicense.Status
	}{outcome, status})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(text))
	if !status.Usable {
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
	if !filepath.IsAbs(settings.JWKS) {
		settings.JWKS = filepath.Join(filepath.Dir(path), settings.JWKS)
	}
	jwks, err := os.ReadFile(settings.JWKS)
	if err != nil {
		log.Fatal(err)
	}
	settings.JWKS = string(jwks)
	return settings
}

func verify(settings signetlicense.Settings, installation signetlicense.Installation) {
	token, err := io.ReadAll(os.Stdin)
	if err != nil {
		log.Fatal(err)
	}
	keys, err := signetlicense.ReadKeySet([]byte(settings.JWKS))
	if err != nil {
		log.Fatal(err)
	}
	text := strings.TrimSpace(string(token))
	_, refusal := signetlicense.Verify(text, keys, installation, settings.Product, settings.Issuer, clock())
	if refusal != "" {
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
