// Command pyroctl speaks to systems that are made of Pyro objects, and runs parts of them: name server,
// echo server, a demonstration. pyroctl help lists the commands.
//
// Each group of commands has a file of its own. A constructor takes the factory, which has the streams
// and the global flags, and the function that does the work, so that a test can look at what the flags
// gave. Whatever goes wrong comes back as an error to [run], the one place where it is printed and
// becomes an exit code.
package main
