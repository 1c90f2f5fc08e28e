package transport

// A Code classes errors for programs. The codes are gRPC's, by name and number, without one for
// success.
type Code uint8

// The codes.
const (
	CodeCanceled           Code = 1
	CodeUnknown            Code = 2
	CodeInvalidArgument    Code = 3
	CodeDeadlineExceeded   Code = 4
	CodeNotFound           Code = 5
	CodeAlreadyExists      Code = 6
	CodePermissionDenied   Code = 7
	CodeResourceExhausted  Code = 8
	CodeFailedPrecondition Code = 9
	CodeAborted            Code = 10
	CodeOutOfRange         Code = 11
	CodeUnimplemented      Code = 12
	CodeInternal           Code = 13
	CodeUnavailable        Code = 14
	CodeDataLoss           Code = 15
	CodeUnauthenticated    Code = 16
)

var codeNames = [...]string{
	1: "canceled", "unknown", "invalid_argument", "deadline_exceeded", "not_found", "already_exists",
	"permission_denied", "resource_exhausted", "failed_precondition", "aborted", "out_of_range",
	"unimplemented", "internal", "unavailable", "data_loss", "unauthenticated",
}

// String returns the code's name in lower case, as in "not_found".
func (c Code) String() string {
	if c > 0 && int(c) < len(codeNames) {
		return codeNames[c]
	}
	return "unknown"
}

type sentinel Code

func (s sentinel) Error() string { return Code(s).String() }

// Sentinels for errors.Is: each matches every [*Error] of its code, whichever side made it.
var (
	ErrCanceled         error = sentinel(CodeCanceled)
	ErrInvalidArgument  error = sentinel(CodeInvalidArgument)
	ErrTimeout          error = sentinel(CodeDeadlineExceeded)
	ErrNotFound         error = sentinel(CodeNotFound)
	ErrAlreadyExists    error = sentinel(CodeAlreadyExists)
	ErrPermissionDenied error = sentinel(CodePermissionDenied)
	ErrExhausted        error = sentinel(CodeResourceExhausted)
	ErrUnimplemented    error = sentinel(CodeUnimplemented)
	ErrInternal         error = sentinel(CodeInternal)
	ErrUnavailable      error = sentinel(CodeUnavailable)
	ErrUnauthenticated  error = sentinel(CodeUnauthenticated)
)
