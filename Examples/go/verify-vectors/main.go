// Command verify-vectors DIRECTORY runs the published vectors; exit 1 if one fails.
package main

import (
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"reflect"
	"sort"

	"example.com/signet/signetlicense"
)

var passed, failed int

func expect(name string, expected, actual any) {
	if reflect.DeepEqual(expected, actual) {
		passed++
		return
	}
	failed++
	fmt.Printf("FAILED %s: expected %v, got %v\n", name, expected, actual)
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: verify-vectors DIRECTORY")
	}
	runTokens()
	runKeySets()
	runSignatures()
	runInputs()
	fmt.Printf("%d passed, %d failed\n", passed, failed)
	if failed > 0 {
		os.Exit(1)
	}
}

func text(name string) []byte {
	data, err := os.ReadFile(filepath.Join(os.Args[1], name))
	if err != nil {
		log.Fatal(err)
	}
	return data
}

func read(name string, value any) {
	if err := json.Unmarshal(text(name), value); err != nil {
		log.Fatal(err)
	}
}

func runTokens() {
	var file struct {
		Now   int64
		Cases []struct {
			Name, Token, Product, Issuer, Expect string
			Now                                  *int64
			Installation                         struct {
				Domain, Address string
				InstallationID  string `json:"installation_id"`
			}
		}
	}
	read("tokens.json", &file)
	keys, err := signetlicense.ReadKeySet(text("keys.json"))
	if err != nil {
		log.Fatal(err)
	}
	for _, each := range file.Cases {
		now := file.Now
		if each.Now != nil {
			now = *each.Now
		}
		installation := signetlicense.Installation(each.Installation)
		_, refusal := signetlicense.Verify(each.Token, keys, installation, each.Product, each.Issuer, now)
		if refusal == "" {
			refusal = "valid"
		}
		expect("token: "+each.Name, each.Expect, string(refusal))
	}
}

func runKeySets() {
	var file struct {
		Cases []struct {
			Name, JWKS string
			Expect     []string
		}
	}
	read("key-sets.json", &file)
	for _, each := range file.Cases {
		var kids []string
		if keys, err := signetlicense.ReadKeySet([]byte(each.JWKS)); err == nil {
			kids = []string{}
			for kid := range keys {
				kids = append(kids, kid)
			}
		}
		sort.Strings(each.Expect)
		sort.Strings(kids)
		expect("key set: "+each.Name, each.Expect, kids)
	}
}

func runSignatures() {
	var file struct {
		Cases []struct {
			Name, Message, Signature string
			PublicKey                string `json:"public_key"`
			Valid                    bool
		}
	}
	read("ed25519.json", &file)
	for _, each := range file.Cases {
		result := ed25519.Verify(unhex(each.PublicKey), unhex(each.Message), unhex(each.Signature))
		expect("signature: "+each.Name, each.Valid, result)
	}
}

func unhex(text string) []byte {
	data, err := hex.DecodeString(text)
	if err != nil {
		log.Fatal(err)
	}
	return data
}

func runInputs() {
	type row struct{ Input, Expect string }
	var file struct {
		LicenseKeys struct {
			WellFormed []string `json:"well_formed"`
			Malformed  []string
		} `json:"license_keys"`
		Domains, Addresses []row
	}
	read("inputs.json", &file)
	for _, key := range file.LicenseKeys.WellFormed {
		expect("license key: "+key, true, signetlicense.IsWellFormed(key))
	}
	for _, key := range file.LicenseKeys.Malformed {
		expect("license key: "+key, false, signetlicense.IsWellFormed(key))
	}
	for _, each := range file.Domains {
		expect("domain: "+each.Input, each.Expect, signetlicense.CanonicalDomain(each.Input))
	}
	for _, each := range file.Addresses {
		expect("address: "+each.Input, each.Expect, signetlicense.CanonicalAddress(each.Input))
	}
}
