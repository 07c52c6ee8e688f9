//go:build unix

package signetlicense

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	provisionalSeconds = 72 * 3600
	backoffMin         = 900
	backoffMax         = 5 * 3600 // 6 h with the longest jitter
	checkLatest        = 7 * 86400
)

var ending = map[string]bool{"REVOKED": true, "SUSPENDED": true, "EXPIRED": true, "NOT_ACTIVATED": true}

// Settings are stored at installation: nothing is ever taken from a visitor's request.
type Settings struct {
	Key            string   `json:"key"`
	Domain         string   `json:"domain"`
	Address        string   `json:"address"`         // empty if not used
	InstallationID string   `json:"installation_id"` // empty if not used
	Product        string   `json:"product"`
	Issuer         string   `json:"issuer"`
	JWKS           string   `json:"jwks"`    // the pinned key set, as JSON text; may be empty beside a root
	Root           string   `json:"root"`    // the vendor's pinned root, as JSON text; empty if not used
	Servers        []string `json:"servers"` // base addresses
	State          string   `json:"state"`   // a directory of this installation
}

// License asks the license service now and then, keeps the signed token, works from it in between.
type License struct {
	Installation Installation
	settings     Settings
	pins, root   KeySet
	problem      string
	identity     string
	clock        func() int64
}

// New makes a License. A nil clock is the system's; another one is for tests.
func New(settings Settings, clock func() int64) *License {
	if clock == nil {
		clock = func() int64 { return time.Now().Unix() }
	}
	settings.Key = strings.TrimSpace(settings.Key)
	license := &License{settings: settings, clock: clock}
	license.Installation = Installation{
		CanonicalDomain(settings.Domain), CanonicalAddress(settings.Address), settings.InstallationID,
	}
	subject, _ := json.Marshal([]string{
		settings.Key, settings.Product, license.Installation.Domain, settings.InstallationID,
	})
	sum := sha256.Sum256(subject)
	license.identity = hex.EncodeToString(sum[:])
	if err := license.readPins(); err != nil {
		license.problem = "key_set_unusable"
	} else if license.Installation.Domain == "" && settings.InstallationID == "" {
		license.problem = "domain_missing"
	}
	return license
}

func (l *License) readPins() (err error) {
	if l.settings.Root != "" {
		if l.root, err = ReadRoot([]byte(l.settings.Root)); err != nil {
			return err
		}
		if l.settings.JWKS == "" {
			return nil
		}
	}
	l.pins, err = ReadKeySet([]byte(l.settings.JWKS))
	return err
}

// Status is what is known without a network.
type Status struct {
	// licensed; outage (licensed, but the service could not be asked); provisional (first 72 hours); unverifiable (this
	// machine cannot check, which says nothing about the license); ended (by the service); unlicensed
	State          string   `json:"state"`
	Usable         bool     `json:"usable"`
	Code           string   `json:"code"` // the verdict, refusal or problem
	Message        string   `json:"message"`
	Plan           string   `json:"plan"`
	Features       []string `json:"features"`
	TokenExpires   *int64   `json:"token_expires"`
	LicenseExpires *int64   `json:"license_expires"`
	NextCheck      int64    `json:"next_check"`
	KeySet         int64    `json:"key_set"`     // number of the signed key set that is held, 0 for none
	Revocations    int64    `json:"revocations"` // number of the list of revoked licenses that is held, 0 for none
	Warnings       []string `json:"warnings"`
}

// IsLicensed tells whether the software may run in full. No network.
func (l *License) IsLicensed() bool { return l.Status().Usable }

// Status tells what is known. No network.
func (l *License) Status() Status {
	state, isCorrupt := l.readState()
	now := l.clock()
	at := latest(now, state.HighestSeen)
	status := Status{State: "unlicensed", Features: []string{}, NextCheck: state.NextAttempt, Warnings: []string{}}
	warn := func(applies bool, warning string) {
		if applies {
			status.Warnings = append(status.Warnings, warning)
		}
	}
	warn(now < state.HighestSeen-clockTolerance, "clock_set_back")
	warn(isCorrupt, "state_unreadable")
	warn(!l.isWritable(), "state_not_writable")
	warn(state.Error != "", state.Error)
	warn(state.Notice != "", state.Notice)
	trust := l.trust()
	if l.problem == "" && state.Ended == "" {
		status.KeySet, status.Revocations = trust.keySetSequence(), trust.sequence()
	}
	claims, refusal := l.held(at, trust)
	switch {
	case state.Ended != "":
		status.State, status.Code, status.Message = "ended", state.Ended, state.Message
	case l.problem != "":
		since := state.UnverifiableSince
		status.State, status.Code = "unverifiable", l.problem
		status.Usable = since == 0 || at < since+provisionalSeconds
	case refusal == "":
		status.State, status.Usable, status.Message = "licensed", true, state.Message
		if state.Error != "" {
			status.State = "outage"
		}
		status.Code = first(state.Refused, state.Verdict)
		status.Plan, status.Features = claims.String("plan"), claims.Strings("feat")
		expires, _ := claims.Int("exp")
		status.TokenExpires = &expires
		if expires, ok := claims.Int("lic_exp"); ok {
			status.LicenseExpires = &expires
		}
	case refusal == "revoked":
		status.State, status.Code, status.Message = "ended", string(refusal), "The vendor revoked this license."
	case state.Refused != "":
		status.Code, status.Message = state.Refused, state.Message
	case state.ProvisionalSince > 0 && at < state.ProvisionalSince+provisionalSeconds:
		status.State, status.Usable, status.Code = "provisional", true, "provisional"
	case refusal != noToken:
		status.Code = string(refusal)
	case state.ProvisionalSince > 0:
		status.Code = "provisional_over"
	default:
		status.Code = "not_checked"
	}
	return status
}

// RefreshIfDue asks the service if a check is due or forced. For a timer, never for a page: it can take 2 s. It
// returns updated, kept (the stored token ends later), ended, refused, failed, not_due, not_recorded (the state
// directory cannot be written) or unverifiable.
func (l *License) RefreshIfDue(force bool) string {
	now := l.clock()
	var outcome string
	err := l.locked(func() (err error) {
		outcome, err = l.recordAttempt(now, force)
		return err
	})
	if err != nil || outcome != "due" {
		return first(outcome, "not_recorded")
	}
	nonce, err := newNonce() // nobody can have this answer already
	if err != nil {
		return "not_recorded"
	}
	answer, notice, failure := l.consult(nonce, now)
	err = l.locked(func() (err error) {
		outcome, err = l.learn(answer, failure, nonce, notice, now)
		return err
	})
	if err != nil {
		return "not_recorded"
	}
	return outcome
}

// recordAttempt writes the attempt down before it is made, as one that fails. It returns due or why it is not made.
func (l *License) recordAttempt(now int64, force bool) (outcome string, err error) {
	state, _ := l.readState()
	if l.problem != "" {
		if state.UnverifiableSince == 0 {
			state.UnverifiableSince = now
		}
		return "unverifiable", l.writeState(state)
	}
	_, refusal := l.held(now, l.trust())
	hasToken := refusal == ""
	isLost := !hasToken && state.Failures == 0 // the token was there and is not: do not wait
	waits := now < state.NextAttempt && state.NextAttempt <= now+checkLatest
	if waits && !isLost && !force {
		return "not_due", nil
	}
	if state.ProvisionalSince == 0 && IsWellFormed(l.settings.Key) {
		state.ProvisionalSince = now
	}
	state.Failures++
	state.NextAttempt = now + backoff(state.Failures)
	state.HighestSeen = latest(state.HighestSeen, now)
	state.UnverifiableSince = 0
	return "due", l.writeState(state)
}

// learn applies an answer or a failure. Only a 200 answer that says valid:false with one of ending ends a token;
// whatever else comes leaves it working until it expires. notice is what else went wrong.
func (l *License) learn(
	answer map[string]any, failure error, nonce, notice string, now int64,
) (outcome string, err error) {
	state, _ := l.readState()
	trust := l.trust()
	held, refusal := l.held(now, trust)
	state.Error = ""
	if failure != nil {
		state.Error = failure.Error()
		return "failed", l.writeState(state)
	}
	code, _ := answer["code"].(string)
	state.Message, _ = answer["message"].(string)
	state.Notice = notice
	if answer["valid"] == false {
		if !ending[code] {
			state.Refused = code
			return "refused", l.writeState(state)
		}
		state.Ended = code
		err := l.writeState(state)
		if gone := os.Remove(l.path("token")); gone != nil && !errors.Is(gone, os.ErrNotExist) {
			err = gone
		}
		return "ended", err
	}
	token, _ := answer["token"].(string)
	claims, wrong := l.judge(token, now, trust)
	switch {
	case wrong != "":
	case claims["nonce"] != nonce:
		wrong = "another nonce"
	case l.Installation.Domain != "" && claims["dom"] != l.Installation.Domain:
		wrong = "another domain"
	}
	if wrong != "" {
		state.Error = "the answer holds no token for us: " + string(wrong)
		return "failed", l.writeState(state)
	}
	heldUntil, _ := held.Int("exp")
	expires, _ := claims.Int("exp")
	replace := refusal != "" || expires >= heldUntil || claims["ver"] != held["ver"] || code != state.Verdict
	outcome = "kept"
	if replace {
		outcome = "updated"
		if err := l.write("token", []byte(token)); err != nil {
			return "", err
		}
	}
	next, _ := claims.Int("next")
	if next > now+checkLatest {
		next = now + checkLatest
	}
	state.Failures, state.Refused, state.Ended, state.Verdict = 0, "", "", code
	state.NextAttempt = latest(next, now+backoffMin)
	// A fresh signature over our nonce also says what time it is: it may correct a clock that ran ahead.
	state.HighestSeen = now
	return outcome, l.writeState(state)
}

// memory is what is remembered between checks: unix seconds, 0 for never, and texts, "" for none.
type memory struct {
	ProvisionalSince  int64  `json:"provisional_since"`
	HighestSeen       int64  `json:"highest_seen"`
	UnverifiableSince int64  `json:"unverifiable_since"`
	Failures          int64  `json:"failures"`
	NextAttempt       int64  `json:"next_attempt"`
	Refused           string `json:"refused"`
	Ended             string `json:"ended"`
	Verdict           string `json:"verdict"`
	Error             string `json:"error"`
	Message           string `json:"message"`
	Notice            string `json:"notice"`
	KeysAsked         int64  `json:"keys_asked"`
	For               string `json:"for"`
}

// readState reads the memory; of another key's or domain's, only what a change of them must not restart.
func (l *License) readState() (state memory, isCorrupt bool) {
	fresh := memory{For: l.identity}
	data, err := os.ReadFile(l.path("state.json"))
	if err != nil {
		return fresh, !errors.Is(err, os.ErrNotExist)
	}
	if _, err := readObject(data); err != nil || json.Unmarshal(data, &state) != nil {
		return fresh, true
	}
	if state.For != l.identity {
		fresh.ProvisionalSince, fresh.HighestSeen = state.ProvisionalSince, state.HighestSeen
		return fresh, false
	}
	return state, false
}

func (l *License) writeState(state memory) error {
	data, err := json.Marshal(state)
	if err != nil {
		return err
	}
	return l.write("state.json", data)
}

// locked runs work while no other process of this installation reads and writes.
func (l *License) locked(work func() error) error {
	if err := os.MkdirAll(l.settings.State, 0o700); err != nil {
		return err
	}
	lock, err := os.OpenFile(l.path("lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return err
	}
	return work()
}

// write replaces a file whole or not at all.
func (l *License) write(name string, data []byte) error {
	file, err := os.OpenFile(l.path(name+".new"), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	for _, step := range []func() error{file.Sync, file.Close} {
		if failure := step(); err == nil {
			err = failure
		}
	}
	if err != nil {
		return err
	}
	return os.Rename(l.path(name+".new"), l.path(name))
}

func (l *License) path(name string) string { return filepath.Join(l.settings.State, name) }

func (l *License) isWritable() bool {
	place := l.settings.State
	if _, err := os.Stat(place); err != nil {
		place = filepath.Dir(place)
	}
	return syscall.Access(place, 2) == nil // W_OK
}

// backoff is the seconds until the next try: 15 minutes, doubled by each failure, up to 6 hours; a fifth is chance.
func backoff(failures int64) int64 {
	base := int64(backoffMin)
	for ; failures > 1 && base < backoffMax; failures-- {
		base *= 2
	}
	if base > backoffMax {
		base = backoffMax
	}
	jitter, err := rand.Int(rand.Reader, big.NewInt(base/5+1))
	if err != nil {
		return base
	}
	return base + jitter.Int64()
}

func latest(one, other int64) int64 {
	if one > other {
		return one
	}
	return other
}

func first(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}
