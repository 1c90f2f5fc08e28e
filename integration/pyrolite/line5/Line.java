import java.io.IOException;
import java.util.Map;

import net.razorvine.pyro.NameServerProxy;
import net.razorvine.pyro.PyroProxy;

/** What Pyrolite 5 does otherwise than Pyrolite 4: it has serpent alone, no keys, and lists names with their metadata. */
final class Line {
    private Line() {}

    static void use(String serializer) {
        if (!serializer.equals("serpent")) {
            throw new IllegalArgumentException(serializer);
        }
    }

    static void sign(PyroProxy proxy, String key) {
        throw new UnsupportedOperationException("keys");
    }

    static Map<String, Object> values(String serializer) {
        return Map.of();
    }

    static NameServerProxy locate(String host, int port) throws IOException {
        return NameServerProxy.locateNS(host, port);
    }

    static void list(Caller caller, NameServerProxy names) throws Exception {
        caller.call(names, "list", null, null, true);
        caller.attempt("yplookup all", () -> names.yplookup(new String[] {"drinks", "hot"}, null));
        caller.attempt("yplookup any", () -> names.yplookup(null, new String[] {"hot", "\u00e9"}));
        caller.attempt("yplookup none", () -> names.yplookup(new String[] {"none"}, null));
        caller.attempt("yplookup nothing", () -> names.yplookup(null, null));
    }
}
