package thirdparty

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// script runs a script of the directory internal in dir.
func script(t *testing.T, dir, name string, args ...string) (output string, ok bool) {
	t.Helper()
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), wd+"/../"+name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	return string(out), err == nil
}

// A command that selects tests fails if it selects none.
func TestSelectsNone(t *testing.T) {
	for _, test := range []struct {
		name, script string
		args         []string
		ok           bool
	}{
		{"tests", "gotest.sh", []string{"-run", "^TestKindsHaveNames$", "../poolcheck"}, true},
		{"no test", "gotest.sh", []string{"-run", "^TestNoSuch$", "../poolcheck"}, false},
		{"none in one of two packages", "gotest.sh", []string{"-run", "^TestKindsHaveNames$", "../poolcheck", "../cpu"}, false},
		{"all skipped", "gotest.sh", []string{"-skip", ".", "../poolcheck"}, false},
		{"targets", "fuzz.sh", []string{"list", "", "^FuzzXOR$"}, true},
		{"no target", "fuzz.sh", []string{"1x", "", "NoSuch"}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if out, ok := script(t, "", test.script, test.args...); ok != test.ok {
				t.Errorf("%s %q succeeds: %v\n%s", test.script, test.args, ok, out)
			}
		})
	}
}

func TestSubjects(t *testing.T) {
	for subject, ok := range map[string]bool{
		"websocket: accept origins that omit the default port": true,
		"internal/mask, utf8stream: use AVX2 where it is":      true,
		"README.md: give the memory of an idle connection":     true,
		"all: " + strings.Repeat("x", 67):                      true,
		"all: " + strings.Repeat("x", 68):                      false,
		"Accept origins that omit the default port":            false,
		"two words: are no package":                            false,
		"websocket:accept origins":                             false,
		"websocket: accept origins.":                           false,
	} {
		t.Run(subject, func(t *testing.T) {
			dir := t.TempDir()
			git := func(args ...string) {
				t.Helper()
				cmd := exec.CommandContext(t.Context(), "git", append([]string{"-c", "user.name=a", "-c", "user.email=a@b.test"}, args...)...)
				cmd.Dir = dir
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("git %q: %v\n%s", args, err, out)
				}
			}
			git("init", "-q")
			git("commit", "-q", "--allow-empty", "-m", "The first")
			git("commit", "-q", "--allow-empty", "-m", subject+"\n\nWhy.")
			if out, got := script(t, dir, "subjects.sh", "HEAD~1..HEAD"); got != ok {
				t.Errorf("succeeds: %v\n%s", got, out)
			}
			if _, got := script(t, dir, "subjects.sh", "HEAD~7..HEAD"); got {
				t.Error("succeeds for a range that does not exist")
			}
		})
	}
}
