package autobahn

import (
	"strings"
	"time"
)

// legalHabits are those of implementations that violate no rule, and that pass.
var legalHabits = []fault{
	{name: "no peculiarity", cases: long},
	{name: "it ends TCP without a close frame at a violation", habits: habits{fails: failsByTCP}},
	{name: "its close frames have no code", habits: onCloses(func([]byte) []byte { return nil })},
	{
		name: "its close frames have the longest reason",
		habits: onCloses(func(payload []byte) []byte {
			if len(payload) == 0 {
				return nil // without a code there is no reason
			}
			return append(payload, strings.Repeat("x¿", 41)...)
		}),
	},
	{
		name:   "it treats half a close code as none",
		habits: habits{tolerates: []rule{ruleHalfCode}},
	},
	{
		name:   "it is slow, but within the limits",
		habits: habits{lateOnce: 200 * time.Millisecond, lateClose: 200 * time.Millisecond, latePong: 90 * time.Millisecond},
	},
	{name: "it echoes in fragments", habits: habits{fragment: 100}},
	{
		name: "it has empty frames in each message",
		habits: habits{frames: func(f peerFrame) []peerFrame {
			if f.opcode.control() {
				return []peerFrame{f}
			}
			first, middle, last := f, f.with(nil), f.with(nil)
			first.fin, middle.fin, last.fin = false, false, f.fin
			middle.opcode, last.opcode = Continuation, Continuation
			middle.rsv, last.rsv = 0, 0
			return []peerFrame{first, middle, last}
		}},
	},
	{name: "its masking key is zero", role: ClientRole, habits: onFrames(func(f *peerFrame) { f.key = [4]byte{} })},
	{name: "it sends uncompressed messages", habits: habits{compressing: compressing{uncompressed: true}}},
	{name: "its DEFLATE blocks have the bit of the last block", habits: habits{compressing: compressing{final: true}}},
	{
		// The suite must respect the limits, because the peer cannot inflate more.
		name: "it requests small windows without context takeover",
		habits: habits{compressing: compressing{
			accepts: Accept{ClientMaxWindowBits: 8, ClientNoContextTakeover: true, ServerMaxWindowBits: 10, ServerNoContextTakeover: true},
			offers:  plainOffer + "; server_max_window_bits=8; server_no_context_takeover",
			thrift:  true,
		}},
		cases: long,
	},
	{
		name: "its response has another spelling",
		role: ServerRole,
		habits: onLines(func(line string) []string {
			return []string{strings.NewReplacer(
				"101 Switching Protocols", "101 Fine",
				"Upgrade: websocket", "upgrade:WebSocket  ",
				"Connection: Upgrade", "Server: peer\r\nconnection: keep-alive, UPGRADE",
				"bits=9", `bits="9"`,
				"; ", "  ;",
			).Replace(line)}
		}),
	},
	{
		name: "it makes several offers",
		role: ClientRole,
		habits: habits{compressing: compressing{offers: `x-foo; bar="9", ` +
			`permessage-deflate; client_max_window_bits; foo, ` +
			`permessage-deflate; client_max_window_bits="16", ` +
			`permessage-deflate; server_max_window_bits="12" ;client_max_window_bits, ` +
			`permessage-deflate`}},
	},
}
