package machine

import "testing"

func TestGigabytes(t *testing.T) {
	for s, want := range map[string]string{"25165824 kB": "24 GiB", "": "unknown", "much": "much"} {
		if got := gigabytes(s); got != want {
			t.Errorf("gigabytes(%q) = %q, want %q", s, got, want)
		}
	}
}

func TestThis(t *testing.T) {
	m := This()
	for _, s := range []string{m.CPU, m.Memory, m.OS, m.Kernel, m.Go, m.Date} {
		if s == "" {
			t.Errorf("there is an empty field in %+v", m)
		}
	}
	if m.Cores < 1 {
		t.Errorf("%d cores", m.Cores)
	}
}
