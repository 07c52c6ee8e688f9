//go:build unix

package signetlicense

import (
	"io"
	"os"
	"strings"
)

// trust is what tokens are judged by.
type trust struct {
	keySet      *SignedKeySet // nil while the pins hold
	keys        KeySet
	revocations *Revocations // nil if none is held
}

func (t trust) keySetSequence() int64 {
	if t.keySet == nil {
		return 0
	}
	return t.keySet.Sequence
}

func (t trust) sequence() int64 {
	if t.revocations == nil {
		return 0
	}
	return t.revocations.Sequence
}

// trust reads the keys and the list that count now. A stored file that is damaged, or that another root or a key since
// revoked signed, counts as none.
func (l *License) trust() trust {
	known := trust{keys: l.pins}
	if document := l.readText("keys", keySetBytesMax); document != "" && l.root != nil {
		if known.keySet, _ = RestoreKeySet(document, l.root); known.keySet != nil {
			known.keys = known.keySet.Keys
		}
	}
	if text := l.readText("revocations", revocationsBytesMax); text != "" {
		known.revocations, _ = RestoreRevocations(text, known.keys, l.settings.Issuer)
	}
	return known
}

const noToken Refusal = "none"

// held returns the claims of the stored token, or why it does not hold.
func (l *License) held(now int64, known trust) (Claims, Refusal) {
	if _, err := os.Stat(l.path("token")); err != nil {
		return nil, noToken
	}
	return l.judge(strings.TrimSpace(l.readText("token", answerBytesMax)), now, known)
}

func (l *License) judge(token string, now int64, known trust) (Claims, Refusal) {
	return Verify(
		token, known.keys, l.Installation, l.settings.Product, l.settings.Issuer, now, known.revocations,
	)
}

// Verify returns the claims of a token, or the code of the refusal or of what keeps this machine from verifying: by the
// keys and the list that are held.
func (l *License) Verify(token string) (Claims, Refusal) {
	if l.problem != "" {
		return nil, Refusal(l.problem)
	}
	return l.judge(token, l.clock(), l.trust())
}

// TakeKeySet takes in a key set that the vendor's root signed: from the server, or carried here as a file. It returns
// updated, kept (it is held already), no_root, not_recorded, the code of the refusal, or what keeps this machine from
// verifying.
func (l *License) TakeKeySet(document string) string {
	return l.take("keys", document, func(known trust) string {
		if l.root == nil {
			return "no_root"
		}
		_, refusal := AcceptKeySet(document, l.root, known.keySet, l.settings.Issuer, l.clock())
		if refusal == "" && known.keySet != nil && known.keySet.Document == document {
			return "kept"
		}
		return first(string(refusal), "updated")
	})
}

// TakeRevocations takes in a list of revoked licenses if it is newer than the one held, which an old list must not
// undo. It returns as TakeKeySet; kept for a list of the same number, outdated for one before it.
func (l *License) TakeRevocations(text string) string {
	return l.take("revocations", text, func(known trust) string {
		list, refusal := ReceiveRevocations(text, known.keys, l.settings.Issuer, l.clock())
		switch {
		case refusal != "":
			return string(refusal)
		case known.revocations == nil || list.Sequence > known.sequence():
			return "updated"
		case list.Sequence == known.sequence():
			return "kept"
		}
		return "outdated"
	})
}

// take stores a text if judge says updated to it. It returns what judge says.
func (l *License) take(name, text string, judge func(trust) string) (outcome string) {
	if l.problem != "" {
		return l.problem
	}
	err := l.locked(func() error {
		if outcome = judge(l.trust()); outcome != "updated" {
			return nil
		}
		return l.write(name, []byte(text))
	})
	if err != nil {
		return "not_recorded"
	}
	return outcome
}

// readText returns a stored text, "" if there is none.
func (l *License) readText(name string, bytesMax int64) string {
	file, err := os.Open(l.path(name))
	if err != nil {
		return ""
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, bytesMax))
	if err != nil {
		return ""
	}
	return string(data)
}
