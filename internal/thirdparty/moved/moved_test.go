package moved

import (
	"flag"
	"testing"
)

var with = flag.String("with", "this", "`library` for the programs: this one, or their own, which verifies the lists of known failures")

// TestMoved runs the tests of each program with this library.
func TestMoved(t *testing.T) {
	if *with != "this" && *with != "own" {
		t.Fatalf("-with is %q, not this or own", *with)
	}
	for _, p := range programs {
		t.Run(p.name, func(t *testing.T) {
			dir := p.copied(t)
			edit(t, dir, "-go="+languageVersion(t), "-toolchain=none")
			for _, module := range p.drop {
				edit(t, dir, "-droprequire="+module)
			}
			if p.setUp != nil {
				p.setUp(t, dir)
			}
			if *with == "own" {
				if p.library == coder {
					edit(t, dir, "-require="+coder+"@"+coderVersion)
				}
				// With its own library, the known differences pass.
				runTests(t, &p, dir).judge(t, p.passes+len(p.known), nil)
				return
			}
			if p.patch != "" {
				patch(t, dir, p.patch)
			}
			useOurs(t, dir, p.library)
			runTests(t, &p, dir).judge(t, p.passes, p.known)
		})
	}
}
