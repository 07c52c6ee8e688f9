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
	runSignedKeySets()
	runRevocations()
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

type installation struct {
	Domain, Address string
	InstallationID  string `json:"installation_id"`
}

type tokenCase struct {
	Name, Token, Product, Issuer, Expect string
	Now                                  *int64
	Installation                         installation
}

func pinned() signetlicense.KeySet {
	keys, err := signetlicense.ReadKeySet(text("keys.json"))
	if err != nil {
		log.Fatal(err)
	}
	return keys
}

func readTokens() (now int64, cases []tokenCase) {
	var file struct {
		Now   int64
		Cases []tokenCase
	}
	read("tokens.json", &file)
	return file.Now, file.Cases
}

// outcome is the code of a refusal, or good if there is none.
func outcome(refusal signetlicense.Refusal, good string) string {
	if refusal == "" {
		return good
	}
	return string(refusal)
}

// at is a case's own time, or the file's.
func at(own *int64, common int64) int64 {
	if own != nil {
		return *own
	}
	return common
}

func verify(
	one tokenCase, keys signetlicense.KeySet, now int64, held *signetlicense.Revocations,
) signetlicense.Refusal {
	here := signetlicense.Installation(one.Installation)
	_, refusal := signetlicense.Verify(one.Token, keys, here, one.Product, one.Issuer, at(one.Now, now), held)
	return refusal
}

func runTokens() {
	now, cases := readTokens()
	for _, one := range cases {
		expect("token: "+one.Name, one.Expect, outcome(verify(one, pinned(), now, nil), "valid"))
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
		expect("key set: "+each.Name, each.Expect == nil, kids == nil)
		expect("its keys: "+each.Name, sorted(each.Expect), sorted(kids))
	}
}

func runSignedKeySets() {
	var file struct {
		Now   int64
		Root  json.RawMessage
		Cases []struct {
			Name, Document, Held, Issuer, Expect string
			Now                                  *int64
			Sequence                             int64
			Keys, Revoked                        []string
		}
		Tokens struct {
			Document, Product, Issuer string
			Installation              installation
			Cases                     []tokenCase
		}
	}
	read("signed-key-sets.json", &file)
	root, err := signetlicense.ReadRoot(file.Root)
	if err != nil {
		log.Fatal(err)
	}
	for _, one := range file.Cases {
		held, _ := signetlicense.RestoreKeySet(one.Held, root)
		set, refusal := signetlicense.AcceptKeySet(one.Document, root, held, one.Issuer, at(one.Now, file.Now))
		expect("signed key set: "+one.Name, one.Expect, outcome(refusal, "accepted"))
		if set != nil {
			expect("its number: "+one.Name, one.Sequence, set.Sequence)
			expect("its keys: "+one.Name, sorted(one.Keys), kids(set.Keys, false))
			expect("its revoked keys: "+one.Name, sorted(one.Revoked), kids(set.Keys, true))
		}
	}
	set, _ := signetlicense.RestoreKeySet(file.Tokens.Document, root)
	for _, one := range file.Tokens.Cases {
		one.Installation, one.Product, one.Issuer = file.Tokens.Installation, file.Tokens.Product, file.Tokens.Issuer
		refusal := verify(one, set.Keys, file.Now, nil)
		expect("token under a signed key set: "+one.Name, one.Expect, outcome(refusal, "valid"))
	}
}

func runRevocations() {
	var file struct {
		Now   int64
		Cases []struct {
			Name, List, Issuer, Expect string
			Now                        *int64
			Said                       json.RawMessage `json:"fields"`
		}
		Tokens []struct {
			tokenCase
			List string
		}
	}
	read("status-lists.json", &file)
	for _, one := range file.Cases {
		list, refusal := signetlicense.ReceiveRevocations(one.List, pinned(), one.Issuer, at(one.Now, file.Now))
		expect("list: "+one.Name, one.Expect, outcome(refusal, "valid"))
		if list != nil {
			expectList(one.Name, one.Said, list)
		}
	}
	_, cases := readTokens()
	common := cases[0]
	for _, one := range file.Tokens {
		one.Installation, one.Product, one.Issuer = common.Installation, common.Product, common.Issuer
		held, _ := signetlicense.RestoreRevocations(one.List, pinned(), "")
		expect("token beside a list: "+one.Name, one.Expect, outcome(verify(one.tokenCase, pinned(), 0, held), "valid"))
	}
}

func expectList(name string, said json.RawMessage, list *signetlicense.Revocations) {
	var fields struct {
		Seq            int64
		Revoked        []int64
		NotRevoked     []int64 `json:"not_revoked"`
		Ended          []string
		RevokedOffline []string `json:"revoked_offline"`
	}
	if err := json.Unmarshal(said, &fields); err != nil {
		log.Fatal(err)
	}
	expect("its number: "+name, fields.Seq, list.Sequence)
	for _, index := range fields.Revoked {
		expect(fmt.Sprintf("license %d: %s", index, name), true, list.Revokes(index))
	}
	for _, index := range fields.NotRevoked {
		expect(fmt.Sprintf("license %d: %s", index, name), false, list.Revokes(index))
	}
	expect("its activations: "+name, sorted(fields.Ended), names(list.Activations))
	expect("its offline licenses: "+name, sorted(fields.RevokedOffline), names(list.Licenses))
}

func kids(keys signetlicense.KeySet, areRevoked bool) (kids []string) {
	for kid, key := range keys {
		if (key == nil) == areRevoked {
			kids = append(kids, kid)
		}
	}
	return sorted(kids)
}

func names(set map[string]bool) (names []string) {
	for name := range set {
		names = append(names, name)
	}
	return sorted(names)
}

// sorted copies a list into order; never nil, so that an empty list equals an absent one.
func sorted(list []string) []string {
	list = append([]string{}, list...)
	sort.Strings(list)
	return list
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
