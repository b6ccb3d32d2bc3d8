package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

// totals are the sums over all behaviours.
type totals struct {
	connections, sent, received, out, in, done, interrupted, failed int64
}

func (o *outcome) totals() (t totals) {
	for _, c := range o.crowd.counts {
		t.connections += c.connections.Load()
		t.sent += c.sent.Load()
		t.received += c.received.Load()
		t.out += c.out.Load()
		t.in += c.in.Load()
		t.done += c.done.Load()
		t.interrupted += c.interrupted.Load()
		t.failed += c.failed.Load()
	}
	return t
}

// print writes the tables.
func (o *outcome) print(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	row := func(name string, cells ...any) {
		fmt.Fprintf(t, "%s\t%s\n", name, strings.Join(texts(cells), "\t")+"\t")
	}
	row("clients", "connections", "sent", "MiB", "received", "MiB", "done", "interrupted", "failed")
	for _, b := range behaviours {
		c := o.crowd.counts[b.name]
		row(b.name, c.connections.Load(), c.sent.Load(), megabytes(c.out.Load()), c.received.Load(), megabytes(c.in.Load()),
			c.done.Load(), c.interrupted.Load(), c.failed.Load())
	}
	all := o.totals()
	row("all", all.connections, all.sent, megabytes(all.out), all.received, megabytes(all.in), all.done, all.interrupted, all.failed)
	row("")
	row("how connections ended, as the server sees it", "")
	for _, kind := range slices.Sorted(maps.Keys(o.ends)) {
		row(kind, o.ends[kind])
	}
	row("")
	row("", "before", "then", "allowed", "per minute", "")
	for _, v := range o.verdicts {
		word := "ok"
		if !v.ok() {
			word = "GROWN"
		}
		row(v.name+", "+v.what, v.show(v.before), v.show(v.then), "+"+v.show(v.allowed), v.show(v.perMinute), word)
	}
	t.Flush()
	fmt.Fprintf(w, "\n%s\n", o.load())
	for _, f := range o.crowd.failures.first {
		fmt.Fprintln(w, f)
	}
}

func texts(cells []any) []string {
	s := make([]string, len(cells))
	for i, c := range cells {
		s[i] = fmt.Sprint(c)
	}
	return s
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f", float64(n)/mib) }

// load describes the CPU use of the processes during the run.
func (o *outcome) load() string {
	cores := func(e ends) float64 {
		return (e.after.CPU - e.before.CPU).Seconds() / o.set.duration().Seconds()
	}
	return fmt.Sprintf("The server used %.2f processors, the clients %.2f.", cores(o.server), cores(o.clients))
}
