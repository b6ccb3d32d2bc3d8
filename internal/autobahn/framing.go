package autobahn

import "time"

// framing returns the cases of group 1: messages in one frame, with lengths near those
// at which the header changes (RFC 6455 section 5.2).
func framing() []*Case {
	return []*Case{
		echoed("1.1.1", "A text message of no bytes at all. It comes back, as empty as it was.",
			textFrame(""), dropAfter(time.Second)),
		echoed("1.1.2", "A text message of 125 bytes, the longest whose length fits into the header's second byte. It comes back.",
			textFrame("*").long(125), dropAfter(time.Second)),
		echoed("1.1.3", "A text message of 126 bytes, the shortest whose length takes 16 bits more. It comes back.",
			textFrame("*").long(126), dropAfter(time.Second)),
		echoed("1.1.4", "A text message of 127 bytes, a number that in the header's second byte would announce 64 bits of length. It comes back.",
			textFrame("*").long(127), dropAfter(time.Second)),
		echoed("1.1.5", "A text message of 128 bytes, which has no more room in the 7 bits of a short length. It comes back.",
			textFrame("*").long(128), dropAfter(time.Second)),
		echoed("1.1.6", "A text message of 65,535 bytes, the longest whose length fits into 16 bits. It comes back.",
			textFrame("*").long(65535), dropAfter(10*time.Second)),
		echoed("1.1.7", "A text message of 65,536 bytes, the shortest whose length takes 64 bits. It comes back.",
			textFrame("*").long(65536), dropAfter(10*time.Second)),
		echoed("1.1.8", "A text message of 65,536 bytes in one frame, which is written in pieces of 997 bytes. It comes back whole.",
			textFrame("*").long(65536).chopped(997), dropAfter(10*time.Second)),

		echoed("1.2.1", "A binary message of no bytes at all. It comes back, as a binary one.",
			binaryFrame(""), dropAfter(time.Second)),
		echoed("1.2.2", "A binary message of 125 bytes FE, with the longest length that the header's second byte holds. It comes back.",
			binaryFrame("\xfe").long(125), dropAfter(time.Second)),
		echoed("1.2.3", "A binary message of 126 bytes FE, with the shortest length of 16 bits. It comes back.",
			binaryFrame("\xfe").long(126), dropAfter(time.Second)),
		echoed("1.2.4", "A binary message of 127 bytes FE: 127 as a length, not as the sign for 64 bits. It comes back.",
			binaryFrame("\xfe").long(127), dropAfter(time.Second)),
		echoed("1.2.5", "A binary message of 128 bytes FE, one more than 7 bits can count. It comes back.",
			binaryFrame("\xfe").long(128), dropAfter(time.Second)),
		echoed("1.2.6", "A binary message of 65,535 bytes FE, with the longest length of 16 bits. It comes back.",
			binaryFrame("\xfe").long(65535), dropAfter(10*time.Second)),
		echoed("1.2.7", "A binary message of 65,536 bytes FE, with the shortest length of 64 bits. It comes back.",
			binaryFrame("\xfe").long(65536), dropAfter(10*time.Second)),
		echoed("1.2.8", "A binary message of 65,536 bytes FE in one frame, written in pieces of 997 bytes. It comes back whole.",
			binaryFrame("\xfe").long(65536).chopped(997), dropAfter(10*time.Second)),
	}
}
