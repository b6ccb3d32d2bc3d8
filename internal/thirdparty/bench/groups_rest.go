package bench

import "fmt"

// fairGroup compares writers with a mutex around the same writes.
func fairGroup() Group {
	g := Group{
		Name:  "fair",
		Title: "Writers beside busy goroutines",
		Words: "Goroutines write 100 B each on one TCP connection for a second and a half, beside others that compute. The figure is the time for each " +
			"message in the last second. " +
			"mutex is bhojpur with a mutex around Write. A goal of 1.25 × the time is 0.8 × the writes.",
		Units: []string{"ns/op"},
		Rest:  true,
	}
	for _, busy := range Busy {
		for _, writers := range Writers {
			g.Rows = append(g.Rows, Row{
				Name:      fmt.Sprintf("Fair/%dbusy/%dwriters", busy, writers),
				What:      fmt.Sprintf("%d writers, %d busy goroutines", writers, busy),
				Libraries: []string{Ours, "mutex"},
				Goals:     []Goal{faster(1.25, "mutex")},
			})
		}
	}
	return g
}

// Busy and Writers are the numbers of goroutines that fairGroup's rows have.
var (
	Busy    = []int{0, 2, 8}
	Writers = []int{2, 8, 16, 64, 300}
)
