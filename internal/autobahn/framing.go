package autobahn

import "time"

// framing returns the cases of group 1: messages in one frame, with lengths near those
// at which the header changes (RFC 6455 section 5.2).
func framing() []*Case {
	return []*Case{
		echoed("1.1.1", "An empty text message. The peer echoes it as a text message.",
			textFrame(""), dropAfter(time.Second)),
		echoed("1.1.2", "A text message of 125 bytes, the maximum for a length in the second byte of the header. The peer echoes it.",
			textFrame("*").long(125), dropAfter(time.Second)),
		echoed("1.1.3", "A text message of 126 bytes, the minimum for a length of 16 bits. The peer echoes it.",
			textFrame("*").long(126), dropAfter(time.Second)),
		echoed("1.1.4", "A text message of 127 bytes. In the second byte of the header, 127 means a length of 64 bits. The peer echoes the message.",
			textFrame("*").long(127), dropAfter(time.Second)),
		echoed("1.1.5", "A text message of 128 bytes, the minimum that does not fit into 7 bits. The peer echoes it.",
			textFrame("*").long(128), dropAfter(time.Second)),
		echoed("1.1.6", "A text message of 65,535 bytes, the maximum for a length of 16 bits. The peer echoes it.",
			textFrame("*").long(65535), dropAfter(10*time.Second)),
		echoed("1.1.7", "A text message of 65,536 bytes, the minimum for a length of 64 bits. The peer echoes it.",
			textFrame("*").long(65536), dropAfter(10*time.Second)),
		echoed("1.1.8", "A text message of 65,536 bytes in one frame, written in pieces of 997 bytes. The peer echoes it.",
			textFrame("*").long(65536).chopped(997), dropAfter(10*time.Second)),

		echoed("1.2.1", "An empty binary message. The peer echoes it as a binary message.",
			binaryFrame(""), dropAfter(time.Second)),
		echoed("1.2.2", "A binary message of 125 bytes FE, the maximum for a length in the second byte of the header. The peer echoes it.",
			binaryFrame("\xfe").long(125), dropAfter(time.Second)),
		echoed("1.2.3", "A binary message of 126 bytes FE, the minimum for a length of 16 bits. The peer echoes it.",
			binaryFrame("\xfe").long(126), dropAfter(time.Second)),
		echoed("1.2.4", "A binary message of 127 bytes FE. In the second byte of the header, 127 means a length of 64 bits. The peer echoes the message.",
			binaryFrame("\xfe").long(127), dropAfter(time.Second)),
		echoed("1.2.5", "A binary message of 128 bytes FE, the minimum that does not fit into 7 bits. The peer echoes it.",
			binaryFrame("\xfe").long(128), dropAfter(time.Second)),
		echoed("1.2.6", "A binary message of 65,535 bytes FE, the maximum for a length of 16 bits. The peer echoes it.",
			binaryFrame("\xfe").long(65535), dropAfter(10*time.Second)),
		echoed("1.2.7", "A binary message of 65,536 bytes FE, the minimum for a length of 64 bits. The peer echoes it.",
			binaryFrame("\xfe").long(65536), dropAfter(10*time.Second)),
		echoed("1.2.8", "A binary message of 65,536 bytes FE in one frame, written in pieces of 997 bytes. The peer echoes it.",
			binaryFrame("\xfe").long(65536).chopped(997), dropAfter(10*time.Second)),
	}
}
