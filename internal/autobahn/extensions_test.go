package autobahn

import (
	"reflect"
	"strings"
	"testing"
)

func TestParseExtensions(t *testing.T) {
	for _, test := range []struct {
		value string
		want  []extension
	}{
		{"", nil},
		{" , ", nil},
		{"permessage-deflate", []extension{{permessageDeflate, map[string]string{}}}},
		{"a;b;c=1", []extension{{"a", map[string]string{"b": "", "c": "1"}}}},
		{` a ; b = "1" , c;d=2 `, []extension{{"a", map[string]string{"b": "1"}}, {"c", map[string]string{"d": "2"}}}},
		{"a;b=1, a;b=2", []extension{{"a", map[string]string{"b": "1"}}, {"a", map[string]string{"b": "2"}}}},
	} {
		if got, err := parseExtensions(test.value); err != nil || !reflect.DeepEqual(got, test.want) {
			t.Errorf("%q is %v, %v, want %v", test.value, got, err, test.want)
		}
	}
	for _, value := range []string{"a;b;b", "a;b=1;c;b=2", "a;", "a;;b", "a;=1"} {
		if got, err := parseExtensions(value); err == nil {
			t.Errorf("%q is %v, want an error", value, got)
		}
	}
}

func TestOffers(t *testing.T) {
	d := Deflate{Offers: []Offer{
		{},
		{ServerMaxWindowBits: 9},
		{ServerMaxWindowBits: 15, ServerNoContextTakeover: true},
	}}
	const each = "permessage-deflate; client_no_context_takeover; client_max_window_bits"
	want := each +
		", " + each + "; server_max_window_bits=9" +
		", " + each + "; server_no_context_takeover; server_max_window_bits=15"
	if got := d.offers(); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// everything is the agreement without limits.
var everything = agreement{15, 15, true, true}

// TestAnswered checks servers' responses to the suite's offers.
func TestAnswered(t *testing.T) {
	small := []Offer{{ServerMaxWindowBits: 9}}
	fresh := []Offer{{ServerNoContextTakeover: true}}
	several := []Offer{{9, true}, {0, true}, {}}
	named := func(offers []Offer) *Deflate { return &Deflate{Offers: offers, Named: true} }
	for _, test := range []struct {
		d     *Deflate
		value string
		want  *agreement // nil: an error
	}{
		{&Deflate{Offers: []Offer{{}}}, "permessage-deflate", &everything},
		{&Deflate{Offers: []Offer{{}}}, "permessage-deflate; client_max_window_bits=10; client_no_context_takeover", &agreement{15, 10, true, false}},
		{&Deflate{Offers: []Offer{{}}}, "permessage-deflate; server_max_window_bits=8; server_no_context_takeover", &agreement{8, 15, false, true}},
		{&Deflate{Offers: []Offer{{}}}, `permessage-deflate;client_max_window_bits="15"`, &everything},
		{&Deflate{Offers: small}, "permessage-deflate; server_max_window_bits=9", &agreement{9, 15, true, true}},
		{&Deflate{Offers: small}, "permessage-deflate; server_max_window_bits=8", &agreement{8, 15, true, true}},
		{&Deflate{Offers: small}, "permessage-deflate", &everything}, // as in the original suite
		{&Deflate{Offers: small}, "permessage-deflate; server_max_window_bits=10", &agreement{10, 15, true, true}},
		{&Deflate{Offers: fresh}, "permessage-deflate", &everything},
		{named(small), "permessage-deflate; server_max_window_bits=9", &agreement{9, 15, true, true}},
		{named(fresh), "permessage-deflate; server_no_context_takeover", &agreement{15, 15, false, true}},
		{&Deflate{Offers: several}, "permessage-deflate; server_max_window_bits=12", &agreement{12, 15, true, true}},

		{nil, "permessage-deflate", nil},
		{nil, "x-foo", nil},
		{&Deflate{Offers: []Offer{{}}}, "x-foo", nil},
		{&Deflate{Offers: []Offer{{}}}, "permessage-deflate, x-foo", nil},
		{&Deflate{Offers: []Offer{{}}}, "permessage-deflate, permessage-deflate", nil},
		{&Deflate{Offers: []Offer{{}}}, "permessage-deflate; foo", nil},
		{&Deflate{Offers: []Offer{{}}}, "permessage-deflate; client_max_window_bits", nil},
		{&Deflate{Offers: []Offer{{}}}, "permessage-deflate; server_max_window_bits=7", nil},
		{&Deflate{Offers: []Offer{{}}}, "permessage-deflate; server_max_window_bits=16", nil},
		{&Deflate{Offers: []Offer{{}}}, "permessage-deflate; server_max_window_bits=09", nil},
		{&Deflate{Offers: []Offer{{}}}, "permessage-deflate; server_max_window_bits=+9", nil},
		{&Deflate{Offers: []Offer{{}}}, "permessage-deflate; server_no_context_takeover=1", nil},
		{&Deflate{Offers: []Offer{{}}}, "permessage-deflate; server_no_context_takeover; server_no_context_takeover", nil},
		{named(small), "permessage-deflate; server_max_window_bits=10", nil},
		{named(small), "permessage-deflate", nil},
		{named(small), "permessage-deflate; client_max_window_bits=9", nil},
		{named(fresh), "permessage-deflate", nil},
		{named(fresh), "permessage-deflate; client_no_context_takeover", nil},
	} {
		got, err := test.d.answered(test.value)
		if (err == nil) != (test.want != nil) || !reflect.DeepEqual(got, test.want) {
			t.Errorf("%+v answered with %q: got %+v, %v, want %+v", test.d, test.value, got, err, test.want)
		}
	}
	for _, d := range []*Deflate{nil, {Offers: several}, named(small)} {
		if got, err := d.answered(""); got != nil || err != nil {
			t.Errorf("%+v declined: got %+v, %v", d, got, err)
		}
	}
}

// TestAnswer checks the suite's responses to clients' offers.
func TestAnswer(t *testing.T) {
	const name = "permessage-deflate"
	all := []Accept{{}}
	small := []Accept{{ClientMaxWindowBits: 9}}
	full := []Accept{{ClientMaxWindowBits: 15}}
	fresh := []Accept{{ClientNoContextTakeover: true}}
	several := []Accept{{ClientMaxWindowBits: 9, ClientNoContextTakeover: true}, {ClientNoContextTakeover: true}, {}}
	own := []Accept{{ServerMaxWindowBits: 9, ServerNoContextTakeover: true}}
	for _, test := range []struct {
		accepts []Accept
		offers  string
		answer  string // without the name; "-": none
		want    agreement
	}{
		{all, name, "", everything},
		{all, "x-foo, " + name, "", everything},
		{all, name + "; client_max_window_bits", "", everything},
		{all, name + "; client_max_window_bits=10", "", everything},
		{all, name + "; client_no_context_takeover", "", everything},
		{all, name + "; server_no_context_takeover", "; server_no_context_takeover", agreement{15, 15, false, true}},
		{all, name + "; server_max_window_bits=12", "; server_max_window_bits=12", agreement{12, 15, true, true}},
		{all, name + "; server_max_window_bits=15", "; server_max_window_bits=15", everything},
		{small, name + "; client_max_window_bits", "; client_max_window_bits=9", agreement{15, 9, true, true}},
		{small, name + "; client_max_window_bits=9", "; client_max_window_bits=9", agreement{15, 9, true, true}},
		{small, name + ", " + name + "; client_max_window_bits", "; client_max_window_bits=9", agreement{15, 9, true, true}},
		{full, name + "; client_max_window_bits", "; client_max_window_bits=15", everything},
		{fresh, name, "; client_no_context_takeover", agreement{15, 15, true, false}},
		{several, name, "; client_no_context_takeover", agreement{15, 15, true, false}},
		{several, name + "; client_max_window_bits", "; client_no_context_takeover; client_max_window_bits=9", agreement{15, 9, true, false}},
		{several, name + ", " + name + "; client_max_window_bits", "; client_no_context_takeover; client_max_window_bits=9", agreement{15, 9, true, false}},
		{own, name, "; server_no_context_takeover; server_max_window_bits=9", agreement{9, 15, false, true}},
		{own, name + "; server_max_window_bits=8", "; server_no_context_takeover; server_max_window_bits=8", agreement{8, 15, false, true}},

		{all, "", "-", agreement{}},
		{all, "x-foo", "-", agreement{}},
		{all, name + "; foo", "-", agreement{}},
		{all, name + "; server_max_window_bits", "-", agreement{}},
		{all, name + "; server_max_window_bits=16", "-", agreement{}},
		{all, name + "; client_max_window_bits=7", "-", agreement{}},
		{all, name + "; server_no_context_takeover=true", "-", agreement{}},
		{all, name + "; client_max_window_bits; client_max_window_bits", "-", agreement{}},
		{small, name, "-", agreement{}},
		{small, name + "; client_max_window_bits=8", "-", agreement{}},
		{full, name + "; client_max_window_bits=14", "-", agreement{}},
		{nil, name, "-", agreement{}},
	} {
		got, a := (&Deflate{Accepts: test.accepts}).answer(test.offers)
		if declines := test.answer == "-"; declines != (a == nil) || declines && got != "" {
			t.Errorf("%+v offered %q: got %q, %+v", test.accepts, test.offers, got, a)
		} else if !declines && (got != name+test.answer || *a != test.want) {
			t.Errorf("%+v offered %q: got %q, %+v\nwant %q, %+v", test.accepts, test.offers, got, *a, name+test.answer, test.want)
		}
	}
}

// The suite accepts its own responses.
func TestResponsesAreValid(t *testing.T) {
	offers := Deflate{Offers: []Offer{{9, true}}, Named: true}
	accepts := Deflate{Accepts: []Accept{{ClientMaxWindowBits: 9, ClientNoContextTakeover: true}}}
	answer, agreed := accepts.answer(offers.offers())
	if !strings.HasPrefix(answer, permessageDeflate) {
		t.Fatalf("got %q", answer)
	}
	if got, err := offers.answered(answer); err != nil || *got != *agreed || *got != (agreement{9, 9, false, false}) {
		t.Errorf("%q parses as %+v, %v, want %+v", answer, got, err, agreed)
	}
}
