// Package machine describes the machine on which figures were measured.
package machine

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Machine is the machine and the date of a measurement.
type Machine struct {
	CPU, Memory, OS, Kernel string
	// Model distinguishes processors with the same name. It may be empty.
	Model string
	Cores int
	Go    string
	Date  string
}

// Name returns the name of the machine: the processor and the number of cores.
func (m Machine) Name() string {
	model := ""
	if m.Model != "" {
		model = " (" + m.Model + ")"
	}
	return fmt.Sprintf("%s%s, %d cores", m.CPU, model, m.Cores)
}

// This returns the machine that runs the program. Unavailable properties are "unknown".
func This() Machine {
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease") // on Linux
	return Machine{
		CPU:    orUnknown(cpuName(lineOf("/proc/cpuinfo", "model name", ":"))),
		Memory: gigabytes(lineOf("/proc/meminfo", "MemTotal", ":")),
		OS:     orUnknown(strings.Trim(lineOf("/etc/os-release", "PRETTY_NAME", "="), `"`)),
		Kernel: orUnknown(strings.TrimSpace(string(kernel))),
		Model:  model(),
		Cores:  runtime.NumCPU(),
		Go:     runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH,
		Date:   time.Now().UTC().Format(time.DateOnly),
	}
}

// cpuName returns the name of a processor without trademark signs.
func cpuName(s string) string {
	return strings.Join(strings.Fields(strings.NewReplacer("(R)", " ", "(TM)", " ", "(r)", " ", "(tm)", " ").Replace(s)), " ")
}

// model returns the generation, the family and the model of the processor, or "".
func model() string {
	family, number := lineOf("/proc/cpuinfo", "cpu family", ":"), lineOf("/proc/cpuinfo", "model", ":")
	if family == "" || number == "" {
		return ""
	}
	text := "family " + family + ", model " + number
	if g := generation(lineOf("/proc/cpuinfo", "vendor_id", ":"), lineOf("/proc/cpuinfo", "flags", ":")); g != "" {
		text = g + ", reported as " + text
	}
	return text
}

// generations are the first server processors of a vendor with an instruction set, by the
// kernel's name for it, the newest first.
var generations = []struct{ vendor, flag, first string }{
	{"GenuineIntel", "amx_fp16", "Granite Rapids"},
	{"GenuineIntel", "amx_tile", "Sapphire Rapids"},
	{"GenuineIntel", "avx512_vbmi2", "Ice Lake"},
	{"GenuineIntel", "avx512f", "Skylake"},
	{"AuthenticAMD", "avx512_vp2intersect", "Zen 5"},
	{"AuthenticAMD", "avx512f", "Zen 4"},
	{"AuthenticAMD", "vaes", "Zen 3"},
	{"AuthenticAMD", "rdpid", "Zen 2"},
}

// generation returns the oldest generation of server processors with the instruction
// sets in flags, or "". A hypervisor may report the name and the model of another
// processor than the one whose instructions it passes on.
func generation(vendor, flags string) string {
	has := strings.Fields(flags)
	for _, g := range generations {
		if g.vendor == vendor && slices.Contains(has, g.flag) {
			return g.first + " or later"
		}
	}
	return ""
}

// lineOf returns the text after sep on the first line of file that begins with key.
func lineOf(file, key, sep string) string {
	text, _ := os.ReadFile(file) // on Linux
	for line := range strings.Lines(string(text)) {
		if k, v, ok := strings.Cut(line, sep); ok && strings.TrimSpace(k) == key {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}

// gigabytes converts a text such as 12345678 kB.
func gigabytes(s string) string {
	kb, err := strconv.ParseFloat(strings.TrimSuffix(s, " kB"), 64)
	if err != nil {
		return orUnknown(s)
	}
	return fmt.Sprintf("%.0f GiB", kb/(1<<20))
}
