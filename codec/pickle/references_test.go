package pickle_test

import (
	"fmt"
	"strings"
)

// What opcodes remember, by its number.
const (
	remember = "\x94"
	dtype    = "cnumpy\ndtype\n"
	scalar   = "cnumpy.core.multiarray\nscalar\n"
	plainU1  = dtype + "\x8c\x02u1\x85R"
)

// hostileReferences are inputs that refer to something long again and again, or nest in other ways than by
// containers.
func hostileReferences() map[string][]byte {
	long := strings.Repeat("x", 1<<15)
	text := "\x80\x04X\x00\x80\x00\x00" + long + remember // 0
	record := text + plainU1 + remember + "\x8c\x02V1\x85" + remember + dtype + remember + scalar + remember
	return map[string][]byte{
		"long classes": many("\x80\x04c"+long+"\nB\n"+remember, "h\x00)\x81"),
		"long zones": many(text+"cdatetime\ntimezone\ncdatetime\ntimedelta\nK\x00K\x3cK\x00\x87Rh\x00\x86R"+remember+"cdatetime\ntime\n"+remember+
			"C\x06\x00\x00\x00\x00\x00\x00"+remember, "h\x02h\x03h\x01\x86R"),
		"long partials": many("\x80\x04c"+long+"\nB\n"+remember+
			"cfunctools\npartial\n)R(c"+long+"\nB.__new__\nh\x00\x85}Ntb"+remember, "h\x01)R"),
		"long keys":   many(text+"}h\x00Ns"+remember+"cuuid\nUUID\n"+remember, "h\x02)\x81h\x01b"),
		"long dtypes": many(text+"h\x00\x85"+remember+dtype+remember+"(NNNNNNNNt"+remember+scalar+remember, "h\x04h\x02h\x01Rh\x03bC\x00\x86R"),
		"long titles": many(record+"(K\x03\x8c\x01|N\x8c\x01x\x85}\x8c\x01xh\x01K\x00h\x00\x87sK\x01K\x01K\x10t"+remember,
			"h\x04h\x03h\x02Rh\x05bC\x01a\x86R"),
		"long fields": many(record+"(K\x03\x8c\x01|N("+strings.Repeat("h\x00", 16)+"t}h\x00h\x01K\x00\x86sK\x01K\x01K\x10t"+remember,
			"h\x04h\x03h\x02Rh\x05bC\x01a\x86R"),
		"one error":            many("\x80\x04cbuiltins\nValueError\nK\x01\x85R"+remember, "h\x00"),
		"one URI":              many("\x80\x04cPyro4.core\nURI\n)\x81(\x8c\x04PYRO\x8c\x01aN\x8c\x01bK\x01tb"+remember, "h\x00"),
		"one proxy's state":    many("\x80\x04cPyro4.core\nProxy\n"+remember+"(\x8c\x0aPYRO:a@b:1\x8f\x8f\x8fK\x00N\x8c\x01hK\x00Nt"+remember, "h\x00)\x81h\x01b"),
		"the same attributes":  many("\x80\x04cm\nC\n"+remember+manyAttributes(1000)+remember, "h\x00)\x81h\x01b"),
		"one instance":         many("\x80\x04cm\nC\n)\x81"+remember, "h\x00"),
		"one tuple's instance": many("\x80\x04cm\nC\n(NNNt\x81"+remember, "h\x00"),
		"types in types":       nestedDtypes(size / 28),
		"records in records":   nestedRecords(150, 1<<16),
	}
}

func manyAttributes(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "\x8c\x05a%04dN", i)
	}
	return "}(" + b.String() + "u"
}

// nestedDtypes is a number of the type that is an array of the type that is an array, and so on.
func nestedDtypes(levels int) []byte {
	return []byte("\x80\x04" + scalar + dtype + remember + "\x8c\x02u1\x85" + remember + "00" +
		strings.Repeat("h\x00h\x01R(K\x03\x8c\x01|", levels) + "h\x00h\x01R" + strings.Repeat(")\x86NNK\x01K\x01K\x00tb", levels) +
		"C\x01a\x86R.")
}

// nestedRecords is a record of a record, and so on. The name of the innermost field is as long as its
// literal can be.
func nestedRecords(levels, long int) []byte {
	const begin, end = "h\x00h\x01R(K\x03\x8c\x01|N\x8c\x01x\x85}\x8c\x01x", "K\x00\x86sK\x01K\x01K\x10tb"
	name := "X" + string([]byte{byte(long), byte(long >> 8), byte(long >> 16), 0}) + strings.Repeat("\x01", long)
	return []byte("\x80\x04" + scalar + dtype + remember + "\x8c\x02V1\x85" + remember + name + remember + "000" +
		strings.Repeat(begin, levels) + "h\x00h\x01R(K\x03\x8c\x01|Nh\x02\x85}h\x02" + plainU1 + end +
		strings.Repeat(end, levels) + "C\x01a\x86R.")
}
