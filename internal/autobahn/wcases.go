package autobahn

import "time"

// W returns cases in addition to those of the original suite.
func W() []*Case {
	const (
		length   = 1024
		messages = 100
	)
	named := func(id, description string, offer Offer, accept Accept) *Case {
		return &Case{
			ID:          id,
			Description: description,
			Exchange: &Exchange{
				Length:   length,
				Messages: messages,
				Timeout:  time.Minute,
				Corpus:   CorpusJSON,
				Deflate:  &Deflate{Offers: []Offer{offer}, Accepts: []Accept{accept}, Named: true},
			},
			Close: Closing{BySuite: true, Codes: []int{1000}, Clean: true},
		}
	}
	return []*Case{
		named("W.1", "The window of the server's messages is asked for, 512 bytes. A server that accepts has to say so in its answer,"+
			" with a window that is not larger (RFC 7692 section 7.1.2.1), where the original suite takes any answer; a client has to take an answer that says so unasked.",
			Offer{ServerMaxWindowBits: 9}, Accept{ClientMaxWindowBits: 9, ServerMaxWindowBits: 9}),
		named("W.2", "The server's messages are to do without those before them. A server that accepts has to say so in its answer"+
			" (RFC 7692 section 7.1.1.1); a client has to take an answer that says so unasked.",
			Offer{ServerNoContextTakeover: true}, Accept{ClientNoContextTakeover: true, ServerNoContextTakeover: true}),
	}
}
