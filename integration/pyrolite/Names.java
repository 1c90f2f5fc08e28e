import java.util.Arrays;
import java.util.HashSet;

import net.razorvine.pyro.NameServerProxy;
import net.razorvine.pyro.PyroProxy;
import net.razorvine.pyro.PyroURI;

/** A name server, in each way that Pyrolite's own proxy for it has. It is left as it was. */
final class Names {
    private Names() {}

    static void all(Caller caller) throws Exception {
        NameServerProxy names = Line.locate(caller.host, caller.port);
        register(caller, names);
        lookup(caller, names);
        list(caller, names);
        remove(caller, names);
        names.close();
        nowhere(caller);
    }

    private static void register(Caller caller, NameServerProxy names) throws Exception {
        PyroURI tea = new PyroURI("tea", "host", 1111);
        PyroURI bread = new PyroURI("bread", "::1", 2222);
        attempt(caller, "register", () -> names.register("shop.tea", tea, true));
        attempt(caller, "register again", () -> names.register("shop.tea", bread, false));
        attempt(caller, "register again, safely", () -> names.register("shop.tea", bread, true));
        attempt(caller, "register", () -> names.register("shop.bread", bread, true, new String[] {"food", "dry"}));
        attempt(caller, "register", () -> names.register("caf\u00e9 \u4f60 \ud83d\ude00", tea, true, new String[] {"\u00e9"}));
        caller.call(names, "register", "shop.text", "PYRO:text@host:3333");
        caller.call(names, "register", "shop.wrong", "not a URI");
        caller.call(names, "register", "shop.wrong", 42);
        caller.call(names, "count");
        attempt(caller, "ping", names::ping);
    }

    private static void lookup(Caller caller, NameServerProxy names) throws Exception {
        for (String name : Arrays.asList("shop.tea", "shop.bread", "caf\u00e9 \u4f60 \ud83d\ude00", "Pyro.NameServer", "nobody", "")) {
            caller.attempt("lookup " + Text.of(name), () -> names.lookup(name));
            caller.attempt("lookup with metadata " + Text.of(name), () -> withMetadata(names.lookup(name, true)));
        }
        attempt(caller, "set_metadata", () -> names.set_metadata("shop.tea", new HashSet<>(Arrays.asList("drinks", "hot"))));
        attempt(caller, "set_metadata", () -> names.set_metadata("shop.bread", new HashSet<>()));
        attempt(caller, "set_metadata", () -> names.set_metadata("nobody", new HashSet<>()));
        for (String name : Arrays.asList("shop.tea", "shop.bread")) {
            caller.attempt("lookup with metadata " + name, () -> withMetadata(names.lookup(name, true)));
        }
        // As PYRONAME does in Python: what was looked up is called.
        PyroProxy found = new PyroProxy(names.lookup("Pyro.NameServer"));
        caller.call(found, "ping");
        found.close();
        attempt(caller, "register", () -> names.register("shop.daemon", new PyroURI("Pyro.Daemon", caller.host, caller.port), true));
        PyroProxy registered = new PyroProxy(names.lookup("shop.daemon"));
        caller.call(registered, "ping");
        registered.close();
    }

    /** Sets come as sets or, where empty, as something else that is empty; none has an order. */
    private static Object withMetadata(Object[] found) {
        return Arrays.asList(found);
    }

    private static void list(Caller caller, NameServerProxy names) throws Exception {
        caller.attempt("list", () -> names.list(null, null));
        caller.attempt("list by prefix", () -> names.list("shop.", null));
        caller.attempt("list by prefix", () -> names.list("nothing", null));
        caller.attempt("list by regex", () -> names.list(null, "shop\\.(tea|bread)$"));
        caller.attempt("list by wrong regex", () -> names.list(null, "("));
        caller.attempt("list by both", () -> names.list("shop.", ".*"));
        Line.list(caller, names);
    }

    private static void remove(Caller caller, NameServerProxy names) throws Exception {
        caller.attempt("remove", () -> names.remove("shop.bread", null, null));
        caller.attempt("remove again", () -> names.remove("shop.bread", null, null));
        caller.attempt("remove the name server", () -> names.remove("Pyro.NameServer", null, null));
        caller.attempt("remove nothing", () -> names.remove(null, null, null));
        caller.attempt("remove by regex", () -> names.remove(null, null, ".*\\.t"));
        caller.attempt("remove by wrong regex", () -> names.remove(null, null, "("));
        caller.attempt("remove by prefix", () -> names.remove(null, "shop.", null));
        caller.attempt("remove", () -> names.remove("caf\u00e9 \u4f60 \ud83d\ude00", null, null));
        caller.call(names, "count");
    }

    private static void nowhere(Caller caller) throws Exception {
        PyroProxy wrong = caller.proxy("Pyro.Nobody");
        caller.call(wrong, "ping");
        wrong.close();
    }

    /** Something that returns nothing. */
    private interface Action {
        void run() throws Exception;
    }

    private static void attempt(Caller caller, String what, Action action) throws Exception {
        caller.attempt(what, () -> {
            action.run();
            return null;
        });
    }
}
