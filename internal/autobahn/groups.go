package autobahn

import "slices"

// A Group is a set of related cases. A group may consist of other groups, whose IDs
// begin with its own.
type Group struct {
	ID    string // for example "6" or "6.4"
	Title string
}

// Groups returns the groups of [Cases] in order, each before its subgroups, and last
// the group of [W].
func Groups() []Group { return slices.Clone(groups) }

var groups = []Group{
	{"1", "Framing"},
	{"1.1", "Text messages of different lengths"},
	{"1.2", "Binary messages of different lengths"},
	{"2", "Pings and pongs"},
	{"3", "Reserved bits"},
	{"4", "Opcodes"},
	{"4.1", "Reserved for data"},
	{"4.2", "Reserved for control frames"},
	{"5", "Messages in fragments"},
	{"6", "UTF-8"},
	{"6.1", "Empty frames of text"},
	{"6.2", "Text in frames that end anywhere"},
	{"6.3", "Invalid text in one frame and in many"},
	{"6.4", "Failing at the first invalid byte"},
	{"6.5", "Characters of one to four bytes"},
	{"6.6", "Truncated words"},
	{"6.7", "The first characters of each length"},
	{"6.8", "The first sequences of five and six bytes"},
	{"6.9", "The last characters of each length"},
	{"6.10", "The last sequences of four to six bytes, out of range"},
	{"6.11", "Around surrogates, and the end of Unicode"},
	{"6.12", "Continuation bytes without a first byte"},
	{"6.13", "First bytes without continuation bytes"},
	{"6.14", "Sequences without their last byte"},
	{"6.15", "Consecutive truncated sequences"},
	{"6.16", "Bytes that are never UTF-8"},
	{"6.17", "Overlong encodings of a slash"},
	{"6.18", "Overlong encodings of the last character of each length"},
	{"6.19", "Overlong encodings of zero"},
	{"6.20", "Single surrogates"},
	{"6.21", "Pairs of surrogates"},
	{"6.22", "Noncharacters"},
	{"6.23", "Code points with special uses"},
	{"7", "Closing"},
	{"7.1", "Frames after a close frame"},
	{"7.3", "Payloads of close frames"},
	{"7.5", "A reason that is not UTF-8"},
	{"7.7", "Codes that may be sent"},
	{"7.9", "Codes that may not be sent"},
	{"7.13", "Codes that are not defined"},
	{"9", "Limits"},
	{"9.1", "Long text messages"},
	{"9.2", "Long binary messages"},
	{"9.3", "Text in many frames"},
	{"9.4", "Binary messages in many frames"},
	{"9.5", "A frame of text in many pieces"},
	{"9.6", "A binary frame in many pieces"},
	{"9.7", "Many short text messages"},
	{"9.8", "Many short binary messages"},
	{"10", "Odds and ends"},
	{"10.1", "Automatic fragmentation"},
	{"12", "Compression of different contents"},
	{"12.1", "JSON"},
	{"12.2", "A picture"},
	{"12.3", "A play"},
	{"12.4", "HTML"},
	{"12.5", "A PDF"},
	{"13", "Compression with different settings"},
	{"13.1", "No setting"},
	{"13.2", "No context takeover"},
	{"13.3", "A window of 9 bits"},
	{"13.4", "A window of 15 bits"},
	{"13.5", "A window of 9 bits, no context takeover"},
	{"13.6", "A window of 15 bits, no context takeover"},
	{"13.7", "Several offers"},
	{"W", "Additional cases"},
}
