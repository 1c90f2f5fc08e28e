package pyroenv

// A Kind is the type of an item's value.
type Kind uint8

// The kinds of items.
const (
	Bool Kind = iota
	Int
	Seconds // a float
	Text
	List // separated by commas
)

// String returns the kind as Python has it.
func (k Kind) String() string { return [...]string{"bool", "int", "float", "str", "list"}[k] }

// An Item is a configuration item of Pyro4, Pyro5 or both.
type Item struct {
	Name string
	Kind Kind
	// In4 and In5 tell which of them has it.
	In4, In5 bool
}

// Variable is the environment variable that sets the item.
func (i Item) Variable() string { return prefix + i.Name }

const prefix = "PYRO_"

// Items are all items of Pyro4 4.82 and Pyro5 5.16, in alphabetical order. LOGFILE and LOGLEVEL are read from
// the environment in both, but are items only in Pyro5.
var Items = []Item{
	{"AUTOPROXY", Bool, true, false},
	{"BROADCAST_ADDRS", List, true, true},
	{"COMMTIMEOUT", Seconds, true, true},
	{"COMPRESSION", Bool, true, true},
	{"DETAILED_TRACEBACK", Bool, true, true},
	{"DILL_PROTOCOL_VERSION", Int, true, false},
	{"FLAME_ENABLED", Bool, true, false},
	{"HOST", Text, true, true},
	{"ITER_STREAMING", Bool, true, true},
	{"ITER_STREAM_LIFETIME", Seconds, true, true},
	{"ITER_STREAM_LINGER", Seconds, true, true},
	{"JSON_MODULE", Text, true, false},
	{"LOGFILE", Text, false, true},
	{"LOGLEVEL", Text, false, true},
	{"LOGWIRE", Bool, true, true},
	{"MAX_MESSAGE_SIZE", Int, true, true},
	{"MAX_RETRIES", Int, true, true},
	{"METADATA", Bool, true, false},
	{"NATHOST", Text, true, true},
	{"NATPORT", Int, true, true},
	{"NS_AUTOCLEAN", Seconds, true, true},
	{"NS_BCHOST", Text, true, true},
	{"NS_BCPORT", Int, true, true},
	{"NS_HOST", Text, true, true},
	{"NS_LOOKUP_DELAY", Seconds, false, true},
	{"NS_PORT", Int, true, true},
	{"ONEWAY_THREADED", Bool, true, false},
	{"PICKLE_PROTOCOL_VERSION", Int, true, false},
	{"POLLTIMEOUT", Seconds, true, true},
	{"PREFER_IP_VERSION", Int, true, true},
	{"REQUIRE_EXPOSE", Bool, true, false},
	{"SERIALIZER", Text, true, true},
	{"SERIALIZERS_ACCEPTED", List, true, false},
	{"SERPENT_BYTES_REPR", Bool, false, true},
	{"SERVERTYPE", Text, true, true},
	{"SOCK_NODELAY", Bool, true, true},
	{"SOCK_REUSE", Bool, true, true},
	{"SSL", Bool, true, true},
	{"SSL_CACERTS", Text, true, true},
	{"SSL_CLIENTCERT", Text, true, true},
	{"SSL_CLIENTKEY", Text, true, true},
	{"SSL_CLIENTKEYPASSWD", Text, true, true},
	{"SSL_REQUIRECLIENTCERT", Bool, true, true},
	{"SSL_SERVERCERT", Text, true, true},
	{"SSL_SERVERKEY", Text, true, true},
	{"SSL_SERVERKEYPASSWD", Text, true, true},
	{"THREADPOOL_SIZE", Int, true, true},
	{"THREADPOOL_SIZE_MIN", Int, true, true},
	{"USE_MSG_WAITALL", Bool, true, false},
}
