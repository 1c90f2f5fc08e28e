// Package pyregex matches names with the regular expressions of Python's re, as re.match does: from the start of the
// name, not necessarily to its end. It says whether an expression matches, and nothing more.
//
// An expression is read by Python's own grammar (Python 3.11), so that it means what it means there and what is
// wrong with it is said in the same words. A matcher tries one way after the other, in bounded time. Where that is
// much work Go's regexp goes on, in time linear in the name, unless the expression has lookaround, backreferences,
// conditionals, atomic groups or possessive repeats.
package pyregex
