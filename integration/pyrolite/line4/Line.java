import java.io.IOException;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

import net.razorvine.pickle.objects.Time;
import net.razorvine.pickle.objects.TimeDelta;
import net.razorvine.pyro.Config;
import net.razorvine.pyro.NameServerProxy;
import net.razorvine.pyro.PyroProxy;

/** What Pyrolite 4 does otherwise than Pyrolite 5. */
final class Line {
    private Line() {}

    static void use(String serializer) {
        Config.SERIALIZER = Config.SerializerType.valueOf(serializer);
        Config.SERPENT_SET_LITERALS = true;
        Config.PICKLE_CALENDAR_PYTZ_LOCALIZE = false; // nor does Python need pytz then
    }

    static void sign(PyroProxy proxy, String key) {
        proxy.pyroHmacKey = key.getBytes(StandardCharsets.UTF_8);
    }

    static Map<String, Object> values(String serializer) {
        Map<String, Object> values = new LinkedHashMap<>();
        if (serializer.equals("pickle")) {
            values.put("char", '\u00e9'); // serpent's writes no quotes around it
            values.put("BigDecimal", new BigDecimal("1.10"));
            values.put("Time", new Time(12, 30, 15, 250));
            values.put("TimeDelta", new TimeDelta(1, 2, 3));
        }
        return values;
    }

    static NameServerProxy locate(String host, int port) throws IOException {
        return NameServerProxy.locateNS(host, port, null);
    }

    static void list(Caller caller, NameServerProxy names) throws Exception {
        String[] both = {"drinks", "hot"};
        String[] some = {"hot", "\u00e9"};
        caller.attempt("list by all metadata", () -> names.list(null, null, both, null));
        caller.attempt("list by any metadata", () -> names.list(null, null, null, some));
        caller.attempt("list with metadata", () -> names.list_with_meta(null, null));
        caller.attempt("list with metadata by prefix", () -> names.list_with_meta("shop.", null));
        caller.attempt("list with metadata by any", () -> names.list_with_meta(null, null, null, some));
    }
}
