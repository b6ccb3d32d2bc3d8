package autobahn

import "fmt"

// codePointsUTF8 returns the cases of 6.17 to 6.23: overlong encodings, surrogates and
// noncharacters.
func codePointsUTF8() []*Case {
	cases := append(overlongUTF8(), surrogates()...)
	cases = append(cases, noncharacters()...)
	return append(cases,
		validText("6.23.1", "\xef\xbf\xb9", "U+FFF9, an anchor of interlinear annotations."),
		validText("6.23.2", "\xef\xbf\xba", "U+FFFA, the separator of interlinear annotations."),
		validText("6.23.3", "\xef\xbf\xbb", "U+FFFB, the end of interlinear annotations."),
		validText("6.23.4", "\xef\xbf\xbc", "U+FFFC, the object replacement character."),
		validText("6.23.5", "\xef\xbf\xbd", "U+FFFD, the replacement character for bytes that cannot be decoded, which is valid."),
		validText("6.23.6", "\xef\xbf\xbe", "U+FFFE, a noncharacter, which is valid."),
		validText("6.23.7", "\xef\xbf\xbf", "U+FFFF, a noncharacter, which is valid."),
	)
}

// overlongUTF8 returns the cases of 6.17 to 6.19.
func overlongUTF8() []*Case {
	return []*Case{
		invalidText("6.17.1", "\xc0\xaf", "A slash in two bytes in place of one. A program that decodes it as a slash may bypass a check of paths."),
		invalidText("6.17.2", "\xe0\x80\xaf", "A slash in three bytes."),
		invalidText("6.17.3", "\xf0\x80\x80\xaf", "A slash in four bytes."),
		invalidText("6.17.4", "\xf8\x80\x80\x80\xaf", "A slash in five bytes."),
		invalidText("6.17.5", "\xfc\x80\x80\x80\x80\xaf", "A slash in six bytes."),

		invalidText("6.18.1", "\xc1\xbf", "U+007F, the last character of one byte, in two."),
		invalidText("6.18.2", "\xe0\x9f\xbf", "U+07FF, the last character of two bytes, in three."),
		invalidText("6.18.3", "\xf0\x8f\xbf\xbf", "U+FFFF, the last code point of three bytes, in four."),
		invalidText("6.18.4", "\xf8\x87\xbf\xbf\xbf", "1FFFFF hex, the last number of four bytes, in five."),
		invalidText("6.18.5", "\xfc\x83\xbf\xbf\xbf\xbf", "3FFFFFF hex, the last number of five bytes, in six."),

		invalidText("6.19.1", "\xc0\x80", "U+0000 in two bytes, as in the class files of Java."),
		invalidText("6.19.2", "\xe0\x80\x80", "U+0000 in three bytes."),
		invalidText("6.19.3", "\xf0\x80\x80\x80", "U+0000 in four bytes."),
		invalidText("6.19.4", "\xf8\x80\x80\x80\x80", "U+0000 in five bytes."),
		invalidText("6.19.5", "\xfc\x80\x80\x80\x80\x80", "U+0000 in six bytes."),
	}
}

// surrogates returns the cases of 6.20 and 6.21.
func surrogates() []*Case {
	return []*Case{
		invalidText("6.20.1", "\xed\xa0\x80", "U+D800, the first high surrogate, alone. Surrogates belong to UTF-16."),
		invalidText("6.20.2", "\xed\xad\xbf", "U+DB7F, the last high surrogate that is not for private use, alone."),
		invalidText("6.20.3", "\xed\xae\x80", "U+DB80, the first high surrogate for private use, alone."),
		invalidText("6.20.4", "\xed\xaf\xbf", "U+DBFF, the last high surrogate, alone."),
		invalidText("6.20.5", "\xed\xb0\x80", "U+DC00, the first low surrogate, alone."),
		invalidText("6.20.6", "\xed\xbe\x80", "U+DF80, one of the low surrogates, alone."),
		invalidText("6.20.7", "\xed\xbf\xbf", "U+DFFF, the last low surrogate, alone."),

		invalidText("6.21.1", "\xed\xa0\x80\xed\xb0\x80", "The surrogates D800 DC00, U+10000 in UTF-16, in three bytes each. In UTF-8 the character has four bytes."),
		invalidText("6.21.2", "\xed\xa0\x80\xed\xbf\xbf", "The surrogates D800 DFFF, U+103FF in UTF-16, in three bytes each."),
		invalidText("6.21.3", "\xed\xad\xbf\xed\xb0\x80", "The surrogates DB7F DC00, U+EFC00 in UTF-16, in three bytes each."),
		invalidText("6.21.4", "\xed\xad\xbf\xed\xbf\xbf", "The surrogates DB7F DFFF, U+EFFFF in UTF-16, in three bytes each."),
		invalidText("6.21.5", "\xed\xae\x80\xed\xb0\x80", "The surrogates DB80 DC00, U+F0000 in UTF-16, in three bytes each."),
		invalidText("6.21.6", "\xed\xae\x80\xed\xbf\xbf", "The surrogates DB80 DFFF, U+F03FF in UTF-16, in three bytes each."),
		invalidText("6.21.7", "\xed\xaf\xbf\xed\xb0\x80", "The surrogates DBFF DC00, U+10FC00 in UTF-16, in three bytes each."),
		invalidText("6.21.8", "\xed\xaf\xbf\xed\xbf\xbf", "The surrogates DBFF DFFF, U+10FFFF in UTF-16, in three bytes each."),
	}
}

// noncharacters returns the cases of 6.22: the last two code points of each of the 17
// planes of Unicode.
func noncharacters() []*Case {
	var cases []*Case
	for plane := range rune(17) {
		for _, last := range []rune{0xfffe, 0xffff} {
			r := plane<<16 | last
			cases = append(cases, validText(
				fmt.Sprintf("6.22.%d", len(cases)+1),
				string(r),
				fmt.Sprintf("%U, at the end of plane %d: a noncharacter, which is valid UTF-8.", r, plane),
			))
		}
	}
	return cases
}
