// Package pyregex matches names with the regular expressions of Python's re, as re.match does: from the start of the
// name, not necessarily to its end. It says whether an expression matches, and nothing more.
//
// An expression is read by Python's own grammar (Python 3.11), so that it means what it means there and what is
// wrong with it is said in the same words. What Go's regexp can do, it does, in time linear in the name; lookaround,
// backreferences, conditionals, atomic groups and possessive repeats take a matcher that tries one way after the
// other, in bounded time.
package pyregex
