package autobahn

import (
	"fmt"
	"strconv"
	"strings"
)

const permessageDeflate = "permessage-deflate"

// Names of permessage-deflate's parameters (RFC 7692 section 7.1).
const (
	serverNoContextTakeover = "server_no_context_takeover"
	clientNoContextTakeover = "client_no_context_takeover"
	serverMaxWindowBits     = "server_max_window_bits"
	clientMaxWindowBits     = "client_max_window_bits"
)

// maxWindowBits is the largest and the default window.
const maxWindowBits = 15

// extension is one element of a Sec-WebSocket-Extensions header (RFC 6455 section
// 9.1).
type extension struct {
	name   string
	params map[string]string // "" for a parameter without a value
}

// parseExtensions parses a header. A repeated parameter is an error.
func parseExtensions(value string) ([]extension, error) {
	var list []extension
	for element := range strings.SplitSeq(value, ",") {
		if element = strings.TrimSpace(element); element == "" {
			continue
		}
		name, rest, more := strings.Cut(element, ";")
		ext := extension{strings.TrimSpace(name), make(map[string]string)}
		for more {
			var param string
			param, rest, more = strings.Cut(rest, ";")
			key, v, _ := strings.Cut(param, "=")
			key, v = strings.TrimSpace(key), strings.Trim(strings.TrimSpace(v), `"`)
			if _, twice := ext.params[key]; twice || key == "" {
				return nil, fmt.Errorf("the parameters of %q", element)
			}
			ext.params[key] = v
		}
		list = append(list, ext)
	}
	return list, nil
}

// agreement is the negotiated permessage-deflate: for each direction the window and
// whether it is kept between messages.
type agreement struct {
	serverBits, clientBits         int
	serverTakeover, clientTakeover bool
}

// parseAgreement parses the parameters of a response, or those of an offer. Only an
// offer may omit the value of client_max_window_bits.
func parseAgreement(ext extension) (a agreement, err error) {
	a = agreement{maxWindowBits, maxWindowBits, true, true}
	for key, v := range ext.params {
		switch key {
		case serverNoContextTakeover, clientNoContextTakeover:
			if v != "" {
				err = fmt.Errorf("%s has a value", key)
			}
			if key == serverNoContextTakeover {
				a.serverTakeover = false
			} else {
				a.clientTakeover = false
			}
		case serverMaxWindowBits:
			a.serverBits, err = parseBits(key, v)
		case clientMaxWindowBits:
			a.clientBits, err = parseBits(key, v)
		default:
			err = fmt.Errorf("%s has no parameter %q", permessageDeflate, key)
		}
		if err != nil {
			return agreement{}, err
		}
	}
	return a, nil
}

// parseBits parses a window size (RFC 7692 section 7.1.2).
func parseBits(key, v string) (int, error) {
	n, err := strconv.Atoi(v)
	if err != nil || n < 8 || n > maxWindowBits || strconv.Itoa(n) != v {
		return 0, fmt.Errorf("%s=%q is not 8 to 15", key, v)
	}
	return n, nil
}

// String returns the offer in the form of a header.
func (o Offer) String() string {
	var b strings.Builder
	b.WriteString(permessageDeflate + "; " + clientNoContextTakeover + "; " + clientMaxWindowBits)
	if o.ServerNoContextTakeover {
		b.WriteString("; " + serverNoContextTakeover)
	}
	if o.ServerMaxWindowBits != 0 {
		fmt.Fprintf(&b, "; %s=%d", serverMaxWindowBits, o.ServerMaxWindowBits)
	}
	return b.String()
}

// offers returns all offers in the form of a header value.
func (d *Deflate) offers() string {
	var s []string
	for _, o := range d.Offers {
		s = append(s, o.String())
	}
	return strings.Join(s, ", ")
}

// answered checks a server's response to the offers. It returns nil if the server
// declines.
func (d *Deflate) answered(value string) (*agreement, error) {
	list, err := parseExtensions(value)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	ext := list[0]
	if d == nil || len(list) > 1 || ext.name != permessageDeflate {
		return nil, fmt.Errorf("the response %q accepts an extension that was not offered (RFC 6455 section 9.1)", value)
	}
	a, err := parseAgreement(ext)
	if err != nil {
		return nil, err
	}
	for _, o := range d.Offers {
		if err = o.allows(ext, a, d.Named); err == nil {
			return &a, nil
		}
	}
	return nil, err
}

// allows checks a response against the offer. If named is set, the response must repeat
// the offered server parameters. The original suite accepts any response, even without
// them or with a larger window.
func (o Offer) allows(ext extension, a agreement, named bool) error {
	_, hasBits := ext.params[serverMaxWindowBits]
	switch {
	case !named:
		return nil
	case o.ServerMaxWindowBits != 0 && !hasBits:
		return fmt.Errorf("the response lacks %s (RFC 7692 section 7.1.2.1)", serverMaxWindowBits)
	case o.ServerMaxWindowBits != 0 && a.serverBits > o.ServerMaxWindowBits:
		return fmt.Errorf("the server's window has %d bits, and %d were the most (RFC 7692 section 7.1.2.1)", a.serverBits, o.ServerMaxWindowBits)
	case o.ServerNoContextTakeover && a.serverTakeover:
		return fmt.Errorf("the response lacks %s (RFC 7692 section 7.1.1.1)", serverNoContextTakeover)
	}
	return nil
}

// answer returns the response of the suite as a server: the first of Accepts that the
// client's offers allow, or "".
func (d *Deflate) answer(offers string) (string, *agreement) {
	list, err := parseExtensions(offers)
	if err != nil {
		return "", nil
	}
	for _, accept := range d.Accepts {
		for _, ext := range list {
			if answer, a := accept.to(ext); a != nil {
				return answer, a
			}
		}
	}
	return "", nil
}

// to returns the response to one offer of a client, if it allows c.
func (c Accept) to(offer extension) (string, *agreement) {
	bits, limits := offer.params[clientMaxWindowBits]
	if offer.name != permessageDeflate || c.ClientMaxWindowBits != 0 && !limits {
		return "", nil
	}
	if limits && bits == "" {
		offer.params[clientMaxWindowBits] = strconv.Itoa(maxWindowBits)
	}
	a, err := parseAgreement(offer)
	if err != nil || c.ClientMaxWindowBits > a.clientBits {
		return "", nil
	}
	answer := permessageDeflate
	if c.ServerNoContextTakeover {
		a.serverTakeover = false
	}
	if !a.serverTakeover {
		answer += "; " + serverNoContextTakeover
	}
	_, asked := offer.params[serverMaxWindowBits]
	if c.ServerMaxWindowBits != 0 {
		a.serverBits = min(a.serverBits, c.ServerMaxWindowBits)
	}
	if asked || c.ServerMaxWindowBits != 0 {
		answer += fmt.Sprintf("; %s=%d", serverMaxWindowBits, a.serverBits)
	}
	a.clientTakeover = !c.ClientNoContextTakeover
	if c.ClientNoContextTakeover {
		answer += "; " + clientNoContextTakeover
	}
	a.clientBits = maxWindowBits
	if c.ClientMaxWindowBits != 0 {
		a.clientBits = c.ClientMaxWindowBits
		answer += fmt.Sprintf("; %s=%d", clientMaxWindowBits, a.clientBits)
	}
	return answer, &a
}

// deflation returns the compressor and decompressor for an agreement, in the suite's
// role, the opposite of tested.
func (a *agreement) deflation(tested Role) *deflation {
	switch {
	case a == nil:
		return nil
	case tested == ServerRole:
		return &deflation{newDeflater(a.clientBits, a.clientTakeover), newInflater(a.serverBits, a.serverTakeover)}
	}
	return &deflation{newDeflater(a.serverBits, a.serverTakeover), newInflater(a.clientBits, a.clientTakeover)}
}
