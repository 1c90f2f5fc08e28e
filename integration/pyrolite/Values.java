import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.GregorianCalendar;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TimeZone;

import net.razorvine.pyro.PyroException;
import net.razorvine.pyro.PyroProxy;
import net.razorvine.pyro.PyroURI;
import net.razorvine.pyro.serializer.SerpentSerializer;

/** Values of all kinds, in both directions. */
final class Values {
    /** What the server returns for these texts is what Python takes them for. */
    private static final String[] RECEIVED = {
        "None", "True", "False", "0", "-1", "2**31 - 1", "2**31", "-2**31 - 1", "2**63 - 1", "2**63", "-2**63", "-2**63 - 1", "10**100",
        "3.0", "-0.0", "0.1", "5e-324", "1e308", "1e16", "inf", "-inf", "nan", "3+4j", "-2.5j",
        "''", "'text'", "'it\\'s \"quoted\"'", "'back\\\\slash'", "'\\t\\n\\r\\x01\\x7f'", "'caf\\xe9 \\xff'", "'\\u4f60\\u597d'",
        "'\\U0001f600'", "'\\u2028 \\ue000'", "'\\U000e0001'", "b''", "b'bytes'", "bytes(range(256))", "bytearray(b'ab')",
        "[]", "[1, [2, [3]]]", "()", "(1,)", "(1, ('two', 3.0))", "{}", "{'a': 1, 'b': [None]}", "{1: 'a', 2: 'b'}", "{(1, 'two'): 3}",
        "{1, 2, 3}", "set()", "{'data': 'eA==', 'encoding': 'base64', 'more': 1}",
        "datetime.datetime(2020, 2, 29, 12, 30, 15, 250000)", "datetime.date(2020, 2, 29)", "datetime.time(12, 30)",
        "datetime.timedelta(days=1, seconds=1.5)", "decimal.Decimal('1.10')", "uuid.UUID('9613299a-464e-45c8-98ca-39ebc337e3fc')",
        "array.array('i', [1, 2])", "array.array('d', [1.5])",
    };

    private Values() {}

    static void all(Caller caller) throws Exception {
        PyroProxy service = caller.proxy("svc");
        for (Map.Entry<String, Object> sent : sent(caller).entrySet()) {
            caller.attempt("echo " + sent.getKey(), () -> service.call("echo", sent.getValue()));
        }
        for (String expression : RECEIVED) {
            if (expression.equals("b''") && caller.serializer.equals("pickle")) {
                continue; // Pyrolite cannot read Python's
            }
            caller.call(service, "value", expression);
        }
        service.close();
    }

    /** What Java programs send, by names. */
    private static Map<String, Object> sent(Caller caller) throws Exception {
        Map<String, Object> values = new LinkedHashMap<>();
        values.put("null", null);
        values.put("boolean", true);
        values.put("byte", (byte) -128);
        values.put("short", Short.MAX_VALUE);
        values.put("int", Integer.MIN_VALUE);
        values.put("one beyond int", 1L << 31);
        values.put("long", Long.MIN_VALUE);
        values.put("one beyond long", BigInteger.ONE.shiftLeft(63));
        values.put("hundred digits", BigInteger.TEN.pow(100).negate());
        values.put("float", 0.25f);
        values.put("double", 0.1);
        values.put("whole double", 3.0);
        values.put("negative zero", -0.0);
        values.put("smallest double", Double.MIN_VALUE);
        values.put("largest double", Double.MAX_VALUE);
        values.put("infinity", Double.NEGATIVE_INFINITY);
        values.put("not a number", Double.NaN);
        values.put("empty string", "");
        values.put("quotes", "it's \"quoted\" \\ \\n");
        values.put("control characters", "\t\n\r\u0001\u001b\u007f\u0085");
        values.put("Latin-1", "caf\u00e9 \u00a0 \u00ff");
        values.put("Greek, Chinese", "\u03b1\u03b2\u03b3 \u4f60\u597d");
        values.put("emoji", "\ud83d\ude00");
        values.put("unprintable", "\u2028 \u200b \ue000");
        values.put("bytes", new byte[] {0, 1, 127, -128, -1});
        values.put("ints", new int[] {1, 2});
        values.put("doubles", new double[] {1.5, 2});
        values.put("booleans", new boolean[] {true, false});
        values.put("objects", new Object[] {1, "two", new Object[] {3.0}});
        values.put("strings", new String[] {"one"});
        values.put("list", new ArrayList<>(Arrays.asList(1, Arrays.asList("two", null), Collections.emptyList())));
        values.put("map", Map.of("a", 1, "b", List.of(2), "c", Map.of("d", 3)));
        values.put("map of ints", Map.of(1, "a", 2, "b"));
        values.put("map like bytes", Map.of("data", "eA==", "encoding", "base64"));
        values.put("set", new HashSet<>(Arrays.asList(1, 2, 3)));
        values.put("empty set", new HashSet<>());
        GregorianCalendar time = new GregorianCalendar(TimeZone.getTimeZone("UTC"));
        time.setTimeInMillis(1582979415250L);
        values.put("calendar", time);
        values.put("date", time.getTime());
        values.put("URI", new PyroURI("some", "host", 4444));
        PyroProxy proxy = caller.proxy("single");
        proxy.pyroMethods.add("increment");
        values.put("proxy", proxy);
        values.put("exception", new PyroException("of Java's"));
        values.putAll(Line.values(caller.serializer));
        return values;
    }

    /** Some megabytes, which the server may compress. */
    static void big(Caller caller) throws Exception {
        PyroProxy service = caller.proxy("svc");
        String text = "0123456789 caf\u00e9 \ud83d\ude00".repeat(100_000);
        caller.print("string", text.equals(service.call("echo", text)));
        byte[] bytes = new byte[2_000_000];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) (i * i >> 8);
        }
        caller.print("bytes", Arrays.equals(bytes, SerpentSerializer.toBytes(service.call("echo", bytes))));
        List<Integer> numbers = new ArrayList<>();
        for (int i = 0; i < 20_000; i++) {
            numbers.add(i);
        }
        caller.print("list", numbers.equals(service.call("echo", numbers)));
        caller.print("big", ((String) service.call("big", 3_000_000)).length());
        service.close();
    }
}
