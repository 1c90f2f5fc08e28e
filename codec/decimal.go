package codec

import (
	"fmt"
	"math/big"
	"regexp"
)

// A Decimal is a Python decimal.Decimal, spelled as Python spells it: "1.50", "-1E+10", "NaN",
// "Infinity". It keeps trailing zeros and any number of digits. The empty Decimal is 0.
type Decimal string

var decimalText = regexp.MustCompile(
	`(?i)^[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d{1,18})?|inf(?:inity)?|s?nan\d*)$`)

// Valid reports whether Python's decimal.Decimal reads d.
func (d Decimal) Valid() bool { return d == "" || decimalText.MatchString(string(d)) }

func (d Decimal) String() string {
	if d == "" {
		return "0"
	}
	return string(d)
}

// Rat returns the exact value of d. It fails on infinities, NaN and numbers with an exponent beyond
// 10000, whose digits nobody wants.
func (d Decimal) Rat() (*big.Rat, error) {
	if !d.Valid() {
		return nil, fmt.Errorf("not a decimal: %.40q", string(d))
	}
	f, _, err := big.ParseFloat(d.String(), 10, 53, big.ToNearestEven)
	if err != nil || f.IsInf() || f.MantExp(nil) > 33220 || f.MantExp(nil) < -33220 {
		return nil, fmt.Errorf("no finite number of up to 10000 digits: %.40q", string(d))
	}
	r, ok := new(big.Rat).SetString(d.String())
	if !ok {
		return nil, fmt.Errorf("not a finite decimal: %.40q", string(d))
	}
	return r, nil
}

// MarshalText returns the spelling of d. It fails when d is no decimal.
func (d Decimal) MarshalText() ([]byte, error) {
	if !d.Valid() {
		return nil, fmt.Errorf("not a decimal: %.40q", string(d))
	}
	return []byte(d.String()), nil
}

// UnmarshalText takes the spelling of a decimal.
func (d *Decimal) UnmarshalText(b []byte) error {
	v := Decimal(b)
	if v == "" || !v.Valid() {
		return fmt.Errorf("not a decimal: %.40q", b)
	}
	*d = v
	return nil
}
