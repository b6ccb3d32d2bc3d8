package machine

import "testing"

func TestGigabytes(t *testing.T) {
	for s, want := range map[string]string{"25165824 kB": "24 GiB", "": "unknown", "much": "much"} {
		if got := gigabytes(s); got != want {
			t.Errorf("gigabytes(%q) = %q, want %q", s, got, want)
		}
	}
}

func TestCPUName(t *testing.T) {
	for s, want := range map[string]string{
		"Intel(R) Xeon(R) Processor":           "Intel Xeon Processor",
		"Intel(R) Xeon(R) CPU @ 2.20GHz":       "Intel Xeon CPU @ 2.20GHz",
		"AMD EPYC 7B13":                        "AMD EPYC 7B13",
		"11th Gen Intel(R) Core(TM) i7-1185G7": "11th Gen Intel Core i7-1185G7",
		"":                                     "",
	} {
		if got := cpuName(s); got != want {
			t.Errorf("cpuName(%q) = %q, want %q", s, got, want)
		}
	}
}

func TestGeneration(t *testing.T) {
	for _, test := range []struct{ vendor, flags, want string }{
		{"GenuineIntel", "sse2 avx2 avx512f avx512_vbmi2 amx_tile", "Sapphire Rapids or later"},
		{"GenuineIntel", "sse2 avx2 avx512f avx512_vbmi2", "Ice Lake or later"},
		{"GenuineIntel", "sse2 avx2", ""},
		{"AuthenticAMD", "sse2 rdpid vaes avx512f", "Zen 4 or later"},
		{"AuthenticAMD", "sse2 rdpid", "Zen 2 or later"},
		{"", "", ""},
	} {
		if got := generation(test.vendor, test.flags); got != test.want {
			t.Errorf("generation(%q, %q) = %q, want %q", test.vendor, test.flags, got, test.want)
		}
	}
}

func TestThisMachine(t *testing.T) {
	m := This()
	for _, s := range []string{m.CPU, m.Memory, m.OS, m.Kernel, m.Go, m.Date} {
		if s == "" {
			t.Errorf("%+v has an empty field", m)
		}
	}
	if m.Cores < 1 {
		t.Errorf("%d cores", m.Cores)
	}
}
