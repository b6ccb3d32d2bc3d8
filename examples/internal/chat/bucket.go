package chat

import "time"

// bucket is a token bucket: it holds up to size tokens and gains one each
// refill. A request takes one.
type bucket struct {
	size   int
	refill time.Duration

	// full is when the bucket will have its last token back. All that has
	// been taken is in this one number.
	full time.Time
}

// take takes a token. If there is none it returns how long that will take,
// and otherwise zero.
func (b *bucket) take(now time.Time) (wait time.Duration) {
	if b.full.Before(now) {
		b.full = now
	}
	full := b.full.Add(b.refill)
	if over := full.Sub(now) - time.Duration(b.size)*b.refill; over > 0 {
		return over
	}
	b.full = full
	return 0
}
