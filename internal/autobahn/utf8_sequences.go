package autobahn

// sequencesUTF8 returns the cases of 6.5 to 6.11: characters of each length, the first
// and the last of each, and truncated words.
func sequencesUTF8() []*Case {
	return []*Case{
		validText("6.5.1", "hello$world", "ASCII alone: each character is one byte."),
		validText("6.5.2", "hello\xc2\xa2world", "A cent sign, U+00A2, between ASCII: a character of two bytes."),
		validText("6.5.3", "hello\xe2\x82\xacworld", "A euro sign, U+20AC, between ASCII: a character of three bytes."),
		validText("6.5.4", "hello\xf0\xa4\xad\xa2world", "The Chinese character U+24B62 between ASCII: a character of four bytes, and a pair of surrogates in UTF-16."),
		validText("6.5.5", kosme, "A Greek word with characters of two and three bytes."),

		invalidText("6.6.1", "\xce", "The Greek word of 6.5.5 truncated after 1 of its 11 bytes, inside the kappa."),
		validText("6.6.2", "\xce\xba", "The Greek word truncated after 2 bytes, after the kappa."),
		invalidText("6.6.3", "\xce\xba\xe1", "The Greek word truncated after 3 bytes, after one of three bytes of the omicron."),
		invalidText("6.6.4", "\xce\xba\xe1\xbd", "The Greek word truncated after 4 bytes, after two of three bytes of the omicron."),
		validText("6.6.5", "\xce\xba\xe1\xbd\xb9", "The Greek word truncated after 5 bytes, after the omicron."),
		invalidText("6.6.6", "\xce\xba\xe1\xbd\xb9\xcf", "The Greek word truncated after 6 bytes, inside the sigma."),
		validText("6.6.7", "\xce\xba\xe1\xbd\xb9\xcf\x83", "The Greek word truncated after 7 bytes, after the sigma."),
		invalidText("6.6.8", "\xce\xba\xe1\xbd\xb9\xcf\x83\xce", "The Greek word truncated after 8 bytes, inside the mu."),
		validText("6.6.9", "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc", "The Greek word truncated after 9 bytes, after the mu."),
		invalidText("6.6.10", "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce", "The Greek word truncated after 10 bytes, inside the epsilon."),
		validText("6.6.11", "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5", "All 11 bytes of the Greek word."),

		validText("6.7.1", "\x00", "U+0000, the first character of one byte. A zero does not end the text."),
		validText("6.7.2", "\xc2\x80", "U+0080, the first character of two bytes."),
		validText("6.7.3", "\xe0\xa0\x80", "U+0800, the first character of three bytes."),
		validText("6.7.4", "\xf0\x90\x80\x80", "U+10000, the first character of four bytes."),

		invalidText("6.8.1", "\xf8\x88\x80\x80\x80", "The first sequence of five bytes, 200000 hex in an obsolete form of UTF-8. Since RFC 3629 a character has at most four bytes."),
		invalidText("6.8.2", "\xfc\x84\x80\x80\x80\x80", "The first sequence of six bytes, 4000000 hex in an obsolete form of UTF-8."),

		validText("6.9.1", "\x7f", "U+007F, the last character of one byte."),
		validText("6.9.2", "\xdf\xbf", "U+07FF, the last character of two bytes."),
		validText("6.9.3", "\xef\xbf\xbf", "U+FFFF, the last code point of three bytes, a noncharacter."),
		validText("6.9.4", "\xf4\x8f\xbf\xbf", "U+10FFFF, the last code point."),

		invalidText("6.10.1", "\xf7\xbf\xbf\xbf", "The last sequence of four bytes, 1FFFFF hex, beyond U+10FFFF."),
		invalidText("6.10.2", "\xfb\xbf\xbf\xbf\xbf", "The last sequence of five bytes, 3FFFFFF hex."),
		invalidText("6.10.3", "\xfd\xbf\xbf\xbf\xbf\xbf", "The last sequence of six bytes, 7FFFFFFF hex."),

		validText("6.11.1", "\xed\x9f\xbf", "U+D7FF, the last code point before the surrogates."),
		validText("6.11.2", "\xee\x80\x80", "U+E000, the first code point after the surrogates."),
		validText("6.11.3", "\xef\xbf\xbd", "U+FFFD, the replacement character, which is valid."),
		validText("6.11.4", "\xf4\x8f\xbf\xbf", "U+10FFFF again, as the upper bound."),
		invalidText("6.11.5", "\xf4\x90\x80\x80", "110000 hex, the first number beyond U+10FFFF."),
	}
}

// brokenUTF8 returns the cases of 6.12 to 6.16: bytes in invalid positions.
func brokenUTF8() []*Case {
	return []*Case{
		invalidText("6.12.1", "\x80", "The lowest continuation byte without a first byte."),
		invalidText("6.12.2", "\xbf", "The highest continuation byte without a first byte."),
		invalidText("6.12.3", "\x80\xbf", "Two continuation bytes without a first byte."),
		invalidText("6.12.4", "\x80\xbf\x80", "Three continuation bytes without a first byte."),
		invalidText("6.12.5", "\x80\xbf\x80\xbf", "Four continuation bytes without a first byte."),
		invalidText("6.12.6", "\x80\xbf\x80\xbf\x80", "Five continuation bytes without a first byte."),
		invalidText("6.12.7", "\x80\xbf\x80\xbf\x80\xbf", "Six continuation bytes without a first byte."),
		invalidText("6.12.8", ""+
			"\x80\x81\x82\x83\x84\x85\x86\x87\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f"+
			"\x90\x91\x92\x93\x94\x95\x96\x97\x98\x99\x9a\x9b\x9c\x9d\x9e\x9f"+
			"\xa0\xa1\xa2\xa3\xa4\xa5\xa6\xa7\xa8\xa9\xaa\xab\xac\xad\xae\xaf"+
			"\xb0\xb1\xb2\xb3\xb4\xb5\xb6\xb7\xb8\xb9\xba\xbb\xbc\xbd\xbe",
			"The continuation bytes 80 to BE without a first byte."),

		invalidText("6.13.1", ""+
			"\xc0 \xc1 \xc2 \xc3 \xc4 \xc5 \xc6 \xc7 \xc8 \xc9 \xca \xcb \xcc \xcd \xce \xcf "+
			"\xd0 \xd1 \xd2 \xd3 \xd4 \xd5 \xd6 \xd7 \xd8 \xd9 \xda \xdb \xdc \xdd \xde ",
			"First bytes of sequences of two, C0 to DE, each followed by a space."),
		invalidText("6.13.2", "\xe0 \xe1 \xe2 \xe3 \xe4 \xe5 \xe6 \xe7 \xe8 \xe9 \xea \xeb \xec \xed \xee ",
			"First bytes of sequences of three, E0 to EE, each followed by a space."),
		invalidText("6.13.3", "\xf0 \xf1 \xf2 \xf3 \xf4 \xf5 \xf6 ", "First bytes of sequences of four, F0 to F6, each followed by a space."),
		invalidText("6.13.4", "\xf8 \xf9 \xfa ", "First bytes of sequences of five, F8 to FA, each followed by a space."),
		invalidText("6.13.5", "\xfc ", "The first byte of a sequence of six, FC, followed by a space."),

		invalidText("6.14.1", "\xc0", "An overlong zero of two bytes without the second."),
		invalidText("6.14.2", "\xe0\x80", "An overlong zero of three bytes without the third."),
		invalidText("6.14.3", "\xf0\x80\x80", "An overlong zero of four bytes without the fourth."),
		invalidText("6.14.4", "\xf8\x80\x80\x80", "An overlong zero of five bytes without the fifth."),
		invalidText("6.14.5", "\xfc\x80\x80\x80\x80", "An overlong zero of six bytes without the sixth."),
		invalidText("6.14.6", "\xdf", "U+07FF, the last character of two bytes, without the second. The text ends inside a character."),
		invalidText("6.14.7", "\xef\xbf", "U+FFFF, the last code point of three bytes, without the third. The text ends inside a character."),
		invalidText("6.14.8", "\xf7\xbf\xbf", "The last sequence of four bytes without the fourth. F7 alone is invalid."),
		invalidText("6.14.9", "\xfb\xbf\xbf\xbf", "The last sequence of five bytes without the fifth."),
		invalidText("6.14.10", "\xfd\xbf\xbf\xbf\xbf", "The last sequence of six bytes without the sixth."),

		invalidText("6.15.1", ""+
			"\xc0"+"\xe0\x80"+"\xf0\x80\x80"+"\xf8\x80\x80\x80"+"\xfc\x80\x80\x80\x80"+
			"\xdf"+"\xef\xbf"+"\xf7\xbf\xbf"+"\xfb\xbf\xbf\xbf"+"\xfd\xbf\xbf\xbf\xbf",
			"The ten truncated sequences of 6.14, one after the other."),

		invalidText("6.16.1", "\xfe", "FE, a byte that is never in UTF-8."),
		invalidText("6.16.2", "\xff", "FF, a byte that is never in UTF-8."),
		invalidText("6.16.3", "\xfe\xfe\xff\xff", "FE FE FF FF, bytes that are never in UTF-8. FE FF is the byte order mark of UTF-16."),
	}
}
