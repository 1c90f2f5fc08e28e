import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Callable;

import net.razorvine.pyro.PyroProxy;

/**
 * Calls a server in each way that Pyrolite has and prints what it sees, a line each: servers that are alike to Java
 * programs have the same lines. Arguments: the serializer, the server's HOST:PORT, and what to do, in this order.
 *
 * <p>What is refused is a line as well. Any other trouble ends the program with a status of 1.
 */
public final class Caller {
    final String serializer;
    final String host;
    final int port;
    private final PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);

    private Caller(String serializer, String location) {
        this.serializer = serializer;
        this.host = location.substring(0, location.lastIndexOf(':'));
        this.port = Integer.parseInt(location.substring(location.lastIndexOf(':') + 1));
    }

    public static void main(String[] args) throws Exception {
        Line.use(args[0]);
        Caller caller = new Caller(args[0], args[1]);
        for (int i = 2; i < args.length; i++) {
            caller.carryOut(args[i]);
        }
    }

    private void carryOut(String what) throws Exception {
        switch (what) {
            case "values":
                Values.all(this);
                break;
            case "big":
                Values.big(this);
                break;
            case "calls":
                Calls.all(this);
                break;
            case "objects":
                Calls.objects(this);
                break;
            case "callback":
                Calls.callBack(this);
                break;
            case "handshake":
                Access.handshake(this);
                break;
            case "keys":
                Access.keys(this);
                break;
            case "names":
                Names.all(this);
                break;
            default:
                throw new IllegalArgumentException("unknown: " + what);
        }
    }

    /** A proxy that connects with its first call. */
    PyroProxy proxy(String object) throws IOException {
        return new PyroProxy(host, port, object);
    }

    void print(String what, Object seen) {
        line(what, Text.of(seen));
    }

    /** Prints what comes of it: a value, or how the server or Pyrolite says no. */
    void attempt(String what, Callable<?> attempt) throws Exception {
        String seen;
        try {
            seen = Text.of(attempt.call());
        } catch (Exception exception) {
            if (!(exception instanceof IOException) && !exception.getClass().getName().startsWith("net.razorvine.")) {
                throw exception;
            }
            seen = "raises " + Text.of(exception);
        }
        line(what, seen);
    }

    void call(PyroProxy proxy, String method, Object... arguments) throws Exception {
        attempt(method + " " + Text.of(arguments), () -> proxy.call(method, arguments));
    }

    /** Calls until the result is the wanted one, which some other thread of the server brings about. */
    static void await(PyroProxy proxy, Object wanted, String method) throws Exception {
        long end = System.nanoTime() + 20_000_000_000L;
        Object seen = proxy.call(method);
        while (!Text.of(wanted).equals(Text.of(seen))) {
            if (System.nanoTime() > end) {
                throw new IllegalStateException(method + " gives " + Text.of(seen) + ", not " + Text.of(wanted));
            }
            Thread.sleep(2);
            seen = proxy.call(method);
        }
    }

    /** The server's address is none of what is compared. */
    private void line(String what, String seen) {
        out.println((what + " -> " + seen).replace(host + ":" + port, "SERVER"));
    }
}
