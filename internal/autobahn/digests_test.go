package autobahn

import (
	"crypto/sha256"
	"fmt"
	"hash"
	"testing"
)

// digests are hashes of the groups' cases, without descriptions, taken after each case
// was compared with the original suite, field by field and byte by byte. The other
// tests explain an error; this one detects every change.
var digests = map[string]string{
	"1.1":  "c9bafdd956243a73",
	"1.2":  "2ce52beac9ce26fc",
	"2":    "01c4801b9a671cd4",
	"3":    "406e92aa32ac355e",
	"4.1":  "f307d80d93b47a91",
	"4.2":  "dadc751d0fb5cac0",
	"5":    "415eb5b5fcfb41bc",
	"6.1":  "264c5c2842a680cf",
	"6.2":  "ca3dc51f0ed20b3f",
	"6.3":  "34af2b89f101c8a0",
	"6.4":  "8756fe4f356c24f9",
	"6.5":  "4154b8781ced607a",
	"6.6":  "f044d4ff79689d48",
	"6.7":  "c7d2c73353929e97",
	"6.8":  "c964bdff992d1a29",
	"6.9":  "5432de9d114fdb47",
	"6.10": "353b45658b5289a4",
	"6.11": "677de63e6a75535a",
	"6.12": "6248ac03f358cc45",
	"6.13": "a8525c04ccef90d2",
	"6.14": "d1a7d047a4ebf9e3",
	"6.15": "c1506477a4c571a1",
	"6.16": "2eba3b8a14bedfc1",
	"6.17": "c0f1a401465d0c50",
	"6.18": "bc9390a2fea63592",
	"6.19": "dba3a16f18783386",
	"6.20": "df683d2d90d3b9e2",
	"6.21": "6fe192e95cd1c3c0",
	"6.22": "2700b7958c6dae7f",
	"6.23": "203cfab3c0bc43a8",
	"7.1":  "d0ad68fae989cfd9",
	"7.3":  "56ab93467282f212",
	"7.5":  "db41b99aebb6e196",
	"7.7":  "6714759041305d97",
	"7.9":  "82c166118466bb3f",
	"7.13": "cda061642876cdc3",
	"9.1":  "97356ebd8d737816",
	"9.2":  "e88609a108d5e8ee",
	"9.3":  "04cb7a72416dd79a",
	"9.4":  "3ff7117a4720fd4a",
	"9.5":  "da1ed6c77e0b3eaf",
	"9.6":  "92b9ff3f8735d6b0",
	"9.7":  "d3b1f63ac4671627",
	"9.8":  "2503f988468cd2d3",
	"10.1": "7446209086b88ce8",
	"12.1": "3599350615cbec5a",
	"12.2": "3056f09171b6d36f",
	"12.3": "111f8063feb78384",
	"12.4": "76859d52abe7f3a6",
	"12.5": "e88503c609ebbebb",
	"13.1": "fc66c01996cae86d",
	"13.2": "d31968c96b4948d5",
	"13.3": "d8d96cf6882b2ada",
	"13.4": "d1b9389ba6e13bd0",
	"13.5": "711259ceac804c5e",
	"13.6": "b70147c3c9783887",
	"13.7": "a0c46e5eb01919ca",
}

func TestDigests(t *testing.T) {
	sums := make(map[string]hash.Hash)
	for _, c := range Cases() {
		group := c.Group()
		if sums[group] == nil {
			sums[group] = sha256.New()
		}
		digest(sums[group], c)
	}
	for group := range perGroup {
		if sums[group] == nil {
			t.Errorf("group %s has no cases", group)
			continue
		}
		if got := fmt.Sprintf("%x", sums[group].Sum(nil)[:8]); got != digests[group] {
			t.Errorf("group %s: %q, want %q, which was compared with the original suite", group, got, digests[group])
		}
	}
}

// digest adds the actions and expectations of a case to h.
func digest(h hash.Hash, c *Case) {
	fmt.Fprintf(h, "case %s %t %d\n", c.ID, c.Informational, c.FramesSent)
	for _, s := range c.Steps {
		fmt.Fprintf(h, "step %d %d %t %d %q %d %d %t %d %d %q %d %q\n", s.Do, byte(s.Opcode), s.Fin, s.RSV,
			s.Payload.Unit, s.Payload.Length, s.Chop, s.Sync, s.Fragment, s.Code, s.Reason, s.After, s.Tag)
	}
	for _, o := range c.Expect {
		fmt.Fprintf(h, "outcome %s\n", o.Verdict)
		for _, e := range o.Events {
			fmt.Fprintf(h, "event %s %t %q %q\n", e.Kind, e.Binary, e.Payload, e.Tag)
		}
	}
	if x := c.Exchange; x != nil {
		fmt.Fprintf(h, "exchange %t %d %d %d %d %q %s\n", x.Binary, x.Length, x.Fragment, x.Messages, x.Timeout, x.Unit, x.Corpus)
		if x.Deflate != nil {
			digestDeflate(h, x.Deflate)
		}
	}
	end := c.Close
	fmt.Fprintf(h, "close %t %d %t %t %t %t\n", end.BySuite, end.Codes, end.Clean, end.WrongSideFails, end.WrongCodeFails, end.NotAutomatic)
}

func digestDeflate(h hash.Hash, d *Deflate) {
	fmt.Fprintf(h, "deflate %t\n", d.Named)
	for _, o := range d.Offers {
		fmt.Fprintf(h, "offer %d %t\n", o.ServerMaxWindowBits, o.ServerNoContextTakeover)
	}
	for _, a := range d.Accepts {
		fmt.Fprintf(h, "accept %d %t %d %t\n", a.ClientMaxWindowBits, a.ClientNoContextTakeover, a.ServerMaxWindowBits, a.ServerNoContextTakeover)
	}
}
