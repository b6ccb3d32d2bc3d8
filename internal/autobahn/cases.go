package autobahn

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Cases returns the 517 cases of the Autobahn test suite, in its order. The slice
// belongs to the caller, but the cases are shared: to change one, copy it.
func Cases() []*Case { return slices.Clone(allCases()) }

var allCases = sync.OnceValue(func() []*Case {
	return slices.Concat(
		framing(),
		pings(),
		reservedBits(),
		opcodes(),
		fragments(),
		textUTF8(),
		sequencesUTF8(),
		brokenUTF8(),
		codePointsUTF8(),
		closings(),
		limits(),
		autofragment(),
		compression(),
		compressionSettings(),
	)
})

// Group returns the ID of the case's group, for example "6.4".
func (c *Case) Group() string {
	return c.ID[:max(0, strings.LastIndexByte(c.ID, '.'))]
}

// Select returns the cases that match a pattern of include and none of exclude, in the
// order of cases. A pattern is an ID in which * matches any characters, including dots:
// "6.*", "1.1.1", "*". A pattern that matches no case is an error, to detect misspelt
// ones.
func Select(cases []*Case, include, exclude []string) ([]*Case, error) {
	in, err := matching(cases, include)
	if err != nil {
		return nil, err
	}
	out, err := matching(cases, exclude)
	if err != nil {
		return nil, err
	}
	var selected []*Case
	for _, c := range cases {
		if in[c] && !out[c] {
			selected = append(selected, c)
		}
	}
	return selected, nil
}

// matching returns the cases that match one of the patterns.
func matching(cases []*Case, patterns []string) (map[*Case]bool, error) {
	matches := make(map[*Case]bool)
	for _, pattern := range patterns {
		re := regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, ".*") + "$")
		some := false
		for _, c := range cases {
			if re.MatchString(c.ID) {
				matches[c], some = true, true
			}
		}
		if !some {
			return nil, fmt.Errorf("no case matches %q", pattern)
		}
	}
	return matches, nil
}
