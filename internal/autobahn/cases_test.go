package autobahn

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// perGroup is the number of cases of each group.
var perGroup = map[string]int{
	"1.1": 8, "1.2": 8,
	"2":   11,
	"3":   7,
	"4.1": 5, "4.2": 5,
	"5":   20,
	"6.1": 3, "6.2": 4, "6.3": 2, "6.4": 4, "6.5": 5, "6.6": 11, "6.7": 4, "6.8": 2,
	"6.9": 4, "6.10": 3, "6.11": 5, "6.12": 8, "6.13": 5, "6.14": 10, "6.15": 1, "6.16": 3,
	"6.17": 5, "6.18": 5, "6.19": 5, "6.20": 7, "6.21": 8, "6.22": 34, "6.23": 7,
	"7.1": 6, "7.3": 6, "7.5": 1, "7.7": 13, "7.9": 9, "7.13": 2,
	"9.1": 6, "9.2": 6, "9.3": 9, "9.4": 9, "9.5": 6, "9.6": 6, "9.7": 6, "9.8": 6,
	"10.1": 1,
	"12.1": 18, "12.2": 18, "12.3": 18, "12.4": 18, "12.5": 18,
	"13.1": 18, "13.2": 18, "13.3": 18, "13.4": 18, "13.5": 18, "13.6": 18, "13.7": 18,
}

func TestCases(t *testing.T) {
	cases := Cases()
	if len(cases) != 517 {
		t.Errorf("%d cases, want 517", len(cases))
	}
	seen := make(map[string]int)
	var last []int
	for _, c := range cases {
		numbers := idNumbers(t, c.ID)
		if slices.Compare(last, numbers) >= 0 {
			t.Errorf("%s is not after %v", c.ID, last)
		}
		last = numbers
		seen[c.Group()]++
		if numbers[len(numbers)-1] != seen[c.Group()] {
			t.Errorf("%s is case %d of its group", c.ID, seen[c.Group()])
		}
	}
	for group := range seen {
		if seen[group] != perGroup[group] {
			t.Errorf("group %s has %d cases, want %d", group, seen[group], perGroup[group])
		}
	}
	if len(seen) != len(perGroup) {
		t.Errorf("%d groups of cases, want %d", len(seen), len(perGroup))
	}
}

// idNumbers returns the numbers of an ID.
func idNumbers(t *testing.T, id string) []int {
	t.Helper()
	var numbers []int
	for s := range strings.SplitSeq(id, ".") {
		n, err := strconv.Atoi(s)
		if err != nil || strconv.Itoa(n) != s {
			t.Fatalf("%q is not an ID", id)
		}
		numbers = append(numbers, n)
	}
	return numbers
}

func TestCasesBelongToTheCaller(t *testing.T) {
	want := Cases()[0]
	Cases()[0] = nil
	if Cases()[0] != want {
		t.Error("a caller has changed the slice of others")
	}
}

func TestDescriptions(t *testing.T) {
	by := make(map[string]string)
	for _, c := range append(Cases(), W()...) {
		switch other, ok := by[c.Description]; {
		case ok:
			t.Errorf("%s and %s have the same description", other, c.ID)
		case !strings.HasSuffix(c.Description, ".") || strings.Contains(c.Description, "%!"):
			t.Errorf("%s: invalid description %q", c.ID, c.Description)
		}
		by[c.Description] = c.ID
	}
}

func TestGroups(t *testing.T) {
	// The groups, in the order of their cases.
	var want []string
	for _, c := range append(Cases(), W()...) {
		group := c.Group()
		for i := range len(group) + 1 {
			if i < len(group) && group[i] != '.' {
				continue
			}
			if !slices.Contains(want, group[:i]) {
				want = append(want, group[:i])
			}
		}
	}
	var got []string
	titles := make(map[string]bool)
	for _, g := range Groups() {
		got = append(got, g.ID)
		if g.Title == "" || titles[g.Title] {
			t.Errorf("group %s has the title %q, which is empty or another's", g.ID, g.Title)
		}
		titles[g.Title] = true
	}
	if !slices.Equal(got, want) {
		t.Errorf("groups %v\nwant %v", got, want)
	}
}

func TestSelect(t *testing.T) {
	for _, test := range []struct {
		include, exclude []string
		want             int
		first, last      string
	}{
		{include: []string{"*"}, want: 517, first: "1.1.1", last: "13.7.18"},
		{include: []string{"1.1.1"}, want: 1, first: "1.1.1", last: "1.1.1"},
		{include: []string{"1.*"}, want: 16, first: "1.1.1", last: "1.2.8"},
		{include: []string{"1*"}, want: 16 + 1 + 90 + 126, first: "1.1.1", last: "13.7.18"},
		{include: []string{"6.1.*"}, want: 3, first: "6.1.1", last: "6.1.3"},
		{include: []string{"6.*.1"}, want: 23, first: "6.1.1", last: "6.23.1"},
		{include: []string{"*.*.18"}, want: 1 + 12, first: "6.22.18", last: "13.7.18"},
		{include: []string{"7.*", "2.*"}, want: 11 + 37, first: "2.1", last: "7.13.2"},
		{include: []string{"2.*", "2.1*", "2.1"}, want: 11, first: "2.1", last: "2.11"},
		{include: []string{"*"}, exclude: []string{"9.*", "12.*", "13.*"}, want: 517 - 54 - 90 - 126, first: "1.1.1", last: "10.1.1"},
		{include: []string{"2.*"}, exclude: []string{"2.1", "9.*"}, want: 10, first: "2.2", last: "2.11"},
		{include: []string{"2.1"}, exclude: []string{"2.*"}},
		{exclude: []string{"2.*"}},
	} {
		got, err := Select(Cases(), test.include, test.exclude)
		if err != nil || len(got) != test.want {
			t.Errorf("Select(%v, %v): %d cases, %v, want %d", test.include, test.exclude, len(got), err, test.want)
			continue
		}
		if len(got) > 0 && (got[0].ID != test.first || got[len(got)-1].ID != test.last) {
			t.Errorf("Select(%v, %v): from %s to %s, want from %s to %s",
				test.include, test.exclude, got[0].ID, got[len(got)-1].ID, test.first, test.last)
		}
		if err := ordered(got); err != nil {
			t.Errorf("Select(%v, %v): %v", test.include, test.exclude, err)
		}
	}
}

// ordered checks that the cases are unique and in the suite's order.
func ordered(cases []*Case) error {
	all := Cases()
	for _, c := range cases {
		i := slices.Index(all, c)
		if i < 0 {
			return errors.New(c.ID + " is repeated, or out of order")
		}
		all = all[i+1:]
	}
	return nil
}

func TestSelectNothing(t *testing.T) {
	for _, pattern := range []string{"8.*", "1.1", "1.1.", "1.1.1.", ".1.1", "1.1.10", "1?1.1", "1.1.[1]", "1x1.1", ""} {
		if got, err := Select(Cases(), []string{"*", pattern}, nil); err == nil {
			t.Errorf("%q matches, among %d cases", pattern, len(got))
		}
		if got, err := Select(Cases(), []string{"*"}, []string{pattern}); err == nil {
			t.Errorf("%q matches, and leaves %d cases", pattern, len(got))
		}
	}
}

func TestSizes(t *testing.T) {
	for n, want := range map[int]string{
		0: "0 bytes", 1: "one byte", 1300: "1300 bytes", kib: "1 KiB", 65536: "64 KiB", 4 * mib: "4 MiB", mib + kib: "1025 KiB",
	} {
		if got := size(n); got != want {
			t.Errorf("size(%d) is %q, want %q", n, got, want)
		}
	}
	for n, want := range map[int]string{50: "50", 1000: "1,000", 65536: "65,536"} {
		if got := count(n); got != want {
			t.Errorf("count(%d) is %q, want %q", n, got, want)
		}
	}
}

// TestPayloads checks the lengths in the descriptions of group 1.
func TestPayloads(t *testing.T) {
	for _, c := range Cases() {
		if !strings.HasPrefix(c.ID, "1.") {
			continue
		}
		n := c.Steps[0].Payload.Length
		want := fmt.Sprintf(" of %s bytes", count(n))
		if n == 0 {
			want = "An empty "
		}
		if !strings.Contains(c.Description, want) {
			t.Errorf("%s sends %d bytes: %s", c.ID, n, c.Description)
		}
	}
}
