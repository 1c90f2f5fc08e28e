package pickle

import (
	"strings"

	"github.com/pyrokit/pyrokit/codec"
)

// mayMake reports whether an instance of class may be written, without a call: Python imports the module of
// the class, and runs its __new__, __setstate__ and in the end __del__. Of what every Python or many of them
// have, only classes that are known to do no more than to keep values are such. Of the programs' own, which
// a peer has to have already, those are that the program itself has registered, and those whose name can only be
// that of a class of theirs: not of something that their module has imported.
func mayMake(class string, o *codec.Options) bool {
	if keepsValues[class] || isHarmless(class) {
		return true
	}
	if fn, t := o.Classes().Decoder(class); fn != nil || t != nil {
		return true
	}
	module, qualified, _ := splitClass(class)
	return isOwnModule(module) && isOwnClass(qualified)
}

// isOwnModule reports whether a module is none that comes with Python or a well-known package. What Python
// has under names with an underscore is too much to list. A module __main__ in a package is a program that
// would run.
func isOwnModule(module string) bool {
	if module == "__main__" || module == "__mp_main__" {
		return true
	}
	top, _, _ := strings.Cut(module, ".")
	return top != "" && top[0] != '_' && !pythonModules[top] && !knownPackages[top] && !strings.Contains(module, ".__")
}

// isOwnClass reports whether a name in a module looks like that of a class which the module defines, or of
// a class in a class. Classes of Python itself that act by being made have names in lower case (map, partial, memmap), and so
// have modules that lead to others; the rest is listed.
func isOwnClass(qualified string) bool {
	var last string
	for part := range strings.SplitSeq(qualified, ".") {
		last = strings.TrimLeft(part, "_")
		if last == "" || 'a' <= last[0] && last[0] <= 'z' || strings.HasPrefix(part, "__") {
			return false
		}
	}
	return !actInNames[last]
}

// makesClass reports whether the arguments are those of a metaclass: name, bases and what is in the class.
func makesClass(args codec.Tuple) bool {
	if len(args) != 3 {
		return false
	}
	bases, isTuple := args[1].(codec.Tuple)
	if !isTuple {
		return false
	}
	for _, base := range bases {
		if _, isClass := base.(codec.Global); !isClass {
			return false
		}
	}
	_, isName := args[0].(string)
	return isName && isDict(args[2])
}

func isDict(v any) bool {
	switch v.(type) {
	case map[string]any, *codec.Dict:
		return true
	}
	return false
}

// keepsValues are more classes of Python and Pyro whose instances do nothing but keep values.
var keepsValues = setOf(`argparse.Namespace collections.ChainMap collections.UserDict collections.UserList collections.UserString
	Pyro4.core.Daemon Pyro4.core.Proxy Pyro4.core.URI Pyro4.futures._ExceptionWrapper
	Pyro5.client.Proxy Pyro5.core.URI Pyro5.core._ExceptionWrapper Pyro5.server.Daemon`)

// actInNames are classes of Python that make more than an instance, or leave one that acts when it goes, by
// the names, without underscores, under which other modules may have imported them.
var actInNames = setOf(`ABCMeta Aifc_write Au_read Au_write BZ2File BitmapImage BooleanVar BsdDbShelf
	BuiltinFunctionType CodeType Connection DbfilenameShelf DoubleVar EnumMeta EnumType ExFileObject FancyURLopener
	FieldStorage FileIO FileInput Forwarder FunctionType GeneratorType GzipFile HTTPResponse IntVar LZMAFile
	LambdaType MethodType ModuleType PhotoImage Pool Popen PyZipFile SemLock SharedMemory SharedMemoryManager Shelf
	Socket SocketIO SpooledTemporaryFile StreamWriter StringVar TarFile Telnet TemporaryDirectory
	TemporaryFileCloser TemporaryFileWrapper Thread ThreadPool Timer URLopener Variable Wave_read Wave_write
	WeakMethod ZipExtFile ZipFile`)

// knownPackages are packages that are where pickles are, and programs that run when they are imported.
var knownPackages = setOf(`Crypto Cryptodome Cython IPython OpenSSL PIL PyQt4 PyQt5 PyQt6 PySide2 PySide6 Pyro4 Pyro5 aiohttp ansible
	astropy attr attrs billiard boto boto3 botocore bottle bs4 celery cffi cherrypy click cloudpickle conftest
	coverage cryptography cv2 cytoolz dask dateutil decorator dill distribute distributed django docker
	easy_install eventlet fabric flask future gevent gi gobject google greenlet grpc gtk h5py httplib2 httpx
	hypothesis invoke ipykernel ipywidgets jax jaxlib jinja2 joblib jupyter keras kombu kubernetes llvmlite lxml
	lz4 manage markupsafe matplotlib mock more_itertools mpl_toolkits msgpack nose notebook numba numpy pandas
	paramiko past pexpect pip pkg_resources pluggy plumbum psutil ptyprocess py pycparser pydantic pydantic_core
	pygame pyramid pytest pythoncom pytz pywintypes pyximport requests scipy serpent setup setuptools sh
	simplejson sip six skimage sklearn sqlalchemy statsmodels sympy tables tensorflow toolz torch torchvision
	tornado tox traitlets twisted ujson urllib3 uvloop virtualenv werkzeug wheel win32api win32com wrapt wx
	xarray yaml zmq`)

// pythonModules are the modules and packages of Python 2.6 to 3.14, on all systems.
var pythonModules = setOf(`AL BaseHTTPServer Bastion CDROM CGIHTTPServer Canvas Carbon ColorPicker ConfigParser Cookie DEVICE DLFCN
	Dialog DocXMLRPCServer EasyDialogs FL FileDialog FixTk FrameWork GL HTMLParser IN MacOS MimeWriter
	MiniAEFrame Nav PixMapWrapper Queue SOCKET STROPTS SUNAUDIODEV ScrolledText SimpleDialog SimpleHTTPServer
	SimpleXMLRPCServer SocketServer StringIO TYPES Tix Tkconstants Tkdnd Tkinter UserDict UserList UserString W
	abc aepack aetools aetypes aifc al annotationlib antigravity anydbm applesingle argparse array ast asynchat
	asyncio asyncore atexit audiodev audioop autoGIL base64 bdb binascii binhex bisect bsddb buildtools builtins
	bz2 cPickle cProfile cStringIO calendar cd cfmfile cgi cgitb chunk cmath cmd code codecs codeop collections
	colorsys commands compileall compiler compression concurrent configparser contextlib contextvars cookielib
	copy copy_reg copyreg crypt csv ctypes curses dataclasses datetime dbhash dbm decimal difflib dircache dis
	distutils dl doctest dumbdbm dummy_thread dummy_threading email encodings ensurepip enum errno exceptions
	faulthandler fcntl filecmp fileinput findertools fl flp fm fnmatch formatter fpectl fpformat fractions
	ftplib functools future_builtins gc gdbm genericpath gensuitemodule getopt getpass gettext gl glob graphlib
	grp gzip hashlib heapq hmac hotshot html htmlentitydefs htmllib http httplib ic icopen idlelib ihooks
	imageop imaplib imgfile imghdr imp importlib imputil inspect io ipaddress itertools jpeg json keyword lib
	lib2to3 linecache linuxaudiodev locale logging lzma macerrors macostools macpath macresource macurl2path
	mailbox mailcap markupbase marshal math md5 mhlib mimetools mimetypes mimify mmap modulefinder msilib msvcrt
	multifile multiprocessing mutex netrc new nis nntplib nt ntpath nturl2path numbers opcode operator optparse
	os os2emxpath ossaudiodev parser pathlib pdb pickle pickletools pipes pkgutil platform plistlib popen2
	poplib posix posixfile posixpath pprint profile pstats pty pwd py_compile pyclbr pydoc pydoc_data pyexpat
	queue quopri random re readline repr reprlib resource rexec rfc822 rlcompleter robotparser runpy sched
	secrets select selectors sets sgmllib sha shelve shlex shutil signal site sitecustomize smtpd smtplib sndhdr
	socket socketserver spwd sqlite3 sre sre_compile sre_constants sre_parse ssl stat statistics statvfs string
	stringold stringprep strop struct subprocess sunau sunaudio sunaudiodev symbol symtable sys sysconfig syslog
	tabnanny tarfile telnetlib tempfile termios test textwrap this thread threading time timeit tkColorChooser
	tkCommonDialog tkFileDialog tkFont tkMessageBox tkSimpleDialog tkinter toaiff token tokenize tomllib trace
	traceback tracemalloc ttk tty turtle turtledemo types typing unicodedata unittest urllib urllib2 urlparse
	user usercustomize uu uuid venv videoreader warnings wave weakref webbrowser whichdb winreg winsound wsgiref
	xdrlib xml xmllib xmlrpc xmlrpclib xxlimited xxlimited_35 xxsubtype zipapp zipfile zipimport zlib zoneinfo`)
