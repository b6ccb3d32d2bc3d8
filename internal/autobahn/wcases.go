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
		named("W.1", "The client requests a window of 512 bytes of the server. If the server accepts, its response must have the parameter,"+
			" with a window that is not larger (RFC 7692 section 7.1.2.1); the original suite accepts any response. A client must accept such a response without a request.",
			Offer{ServerMaxWindowBits: 9}, Accept{ClientMaxWindowBits: 9, ServerMaxWindowBits: 9}),
		named("W.2", "The client requests no context takeover of the server. If the server accepts, its response must have the parameter"+
			" (RFC 7692 section 7.1.1.1). A client must accept such a response without a request.",
			Offer{ServerNoContextTakeover: true}, Accept{ClientNoContextTakeover: true, ServerNoContextTakeover: true}),
	}
}
