package autobahn

import (
	"errors"
	"io"
	"net/http"
	"strings"
)

// opening has the deviations of an echoPeer in the opening handshake.
type opening struct {
	// head returns the lines to send in place of those of the request or the response,
	// which has no body. Without lines, nothing is sent.
	head func(lines []string) []string

	// path is the path of a client's request.
	path string
}

// compressing has the deviations of an echoPeer in compression.
type compressing struct {
	declines bool   // has no compression
	accepts  Accept // the response of a server
	offers   string // the offers of a client, in place of plainOffer

	agrees func(agreement) agreement // changes the agreement that it follows
	thrift bool                      // inflates with no larger window than that agreement needs
	final  bool                      // sets BFINAL in its blocks

	uncompressed bool // never compresses its messages
}

// plainOffer sets no limits.
const plainOffer = permessageDeflate + "; " + clientMaxWindowBits

var errRefused = errors.New("the handshake has failed")

// open performs the opening handshake.
func (p *echoPeer) open() error {
	if p.role == ServerRole {
		return p.accept()
	}
	return p.dial()
}

func (p *echoPeer) accept() error {
	req, err := http.ReadRequest(p.r)
	if err != nil {
		return err
	}
	lines := []string{
		"HTTP/1.1 101 Switching Protocols",
		"Upgrade: websocket",
		"Connection: Upgrade",
		"Sec-WebSocket-Accept: " + acceptOf(req.Header.Get("Sec-WebSocket-Key")),
	}
	offers, err := parseExtensions(req.Header.Get("Sec-WebSocket-Extensions"))
	if err != nil {
		return err
	}
	for _, offer := range offers {
		if answer, a := p.accepts.to(offer); a != nil && !p.declines {
			lines = append(lines, extensionsHeader+answer)
			p.agree(*a)
			break
		}
	}
	return p.sendHead(lines)
}

func (p *echoPeer) dial() error {
	lines := []string{
		"GET " + p.path + " HTTP/1.1",
		"Host: suite.test",
		"Upgrade: websocket",
		"Connection: Upgrade",
		"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
		"Sec-WebSocket-Version: 13",
	}
	offers := p.offers
	if offers == "" {
		offers = plainOffer
	}
	if !p.declines {
		lines = append(lines, extensionsHeader+offers)
	}
	if err := p.sendHead(lines); err != nil {
		return err
	}
	resp, err := http.ReadResponse(p.r, nil)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusSwitchingProtocols {
		return errRefused
	}
	answers, err := parseExtensions(resp.Header.Get("Sec-WebSocket-Extensions"))
	if err != nil || len(answers) == 0 {
		return err
	}
	a, err := parseAgreement(answers[0])
	if err == nil {
		p.agree(a)
	}
	return err
}

func (p *echoPeer) sendHead(lines []string) error {
	if p.head != nil {
		lines = p.head(lines)
	}
	if len(lines) == 0 {
		return nil
	}
	_, err := io.WriteString(p.conn, strings.Join(lines, "\r\n")+"\r\n\r\n")
	return err
}

// agree starts compression.
func (p *echoPeer) agree(a agreement) {
	kept := a
	if p.agrees != nil {
		a = p.agrees(a)
	}
	if p.role == ClientRole {
		p.deflater = &squeezer{window: 1 << a.clientBits, takeover: a.clientTakeover, final: p.final}
		p.inflater = &plainInflater{takeover: kept.serverTakeover}
		if p.thrift {
			p.inflater = newInflater(a.serverBits, a.serverTakeover)
		}
		return
	}
	p.deflater = &squeezer{window: 1 << a.serverBits, takeover: a.serverTakeover, final: p.final}
	p.inflater = &plainInflater{takeover: kept.clientTakeover}
	if p.thrift {
		p.inflater = newInflater(a.clientBits, a.clientTakeover)
	}
}
