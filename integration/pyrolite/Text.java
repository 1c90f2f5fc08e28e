import java.lang.reflect.Array;
import java.util.ArrayList;
import java.util.Calendar;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

import net.razorvine.pyro.PyroException;
import net.razorvine.pyro.PyroProxy;

/** Values as texts that tell types apart, in ASCII. What has no order is sorted. */
final class Text {
    private Text() {}

    static String of(Object value) {
        if (value == null) {
            return "null";
        }
        if (value instanceof String) {
            return quoted((String) value);
        }
        if (value.getClass().isArray()) {
            return value.getClass().getComponentType().getSimpleName() + elements(value);
        }
        if (value instanceof Map) {
            Set<String> entries = new TreeSet<>();
            for (Map.Entry<?, ?> entry : ((Map<?, ?>) value).entrySet()) {
                entries.add(of(entry.getKey()) + ": " + of(entry.getValue()));
            }
            return "map " + entries;
        }
        if (value instanceof Set) {
            return "set " + new TreeSet<>(texts((Set<?>) value));
        }
        if (value instanceof Collection) {
            return "list " + texts((Collection<?>) value);
        }
        if (value instanceof PyroProxy) {
            PyroProxy proxy = (PyroProxy) value;
            return "proxy " + proxy.objectid + "@" + proxy.hostname + ":" + proxy.port + " of " + new TreeSet<>(proxy.pyroMethods)
                + new TreeSet<>(proxy.pyroAttrs) + new TreeSet<>(proxy.pyroOneway);
        }
        if (value instanceof Calendar) {
            Calendar time = (Calendar) value;
            return "calendar " + time.toInstant() + " " + time.getTimeZone().getID();
        }
        if (value instanceof Throwable) {
            return ofException((Throwable) value);
        }
        if (value instanceof PyroProxy.StreamResultIterable) {
            return "stream";
        }
        return value.getClass().getSimpleName() + " " + quoted(value.toString());
    }

    /** An exception with its cause; of a traceback that came with it only the last line, which says what happened. */
    static String ofException(Throwable exception) {
        StringBuilder text = new StringBuilder(exception.getClass().getSimpleName());
        if (exception.getMessage() != null) {
            text.append(' ').append(quoted(exception.getMessage()));
        }
        if (exception instanceof PyroException) {
            PyroException remote = (PyroException) exception;
            text.append(" type ").append(remote.pythonExceptionType);
            if (remote._pyroTraceback != null) {
                String[] lines = remote._pyroTraceback.split("\n");
                text.append(" traceback ").append(quoted(lines[lines.length - 1]));
            }
        }
        if (exception.getCause() != null) {
            text.append(" by ").append(ofException(exception.getCause()));
        }
        return text.toString();
    }

    private static List<String> elements(Object array) {
        List<String> texts = new ArrayList<>();
        for (int i = 0; i < Array.getLength(array); i++) {
            texts.add(of(Array.get(array, i)));
        }
        return texts;
    }

    private static List<String> texts(Collection<?> values) {
        List<String> texts = new ArrayList<>();
        for (Object value : values) {
            texts.add(of(value));
        }
        return texts;
    }

    private static String quoted(String text) {
        StringBuilder quoted = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            quoted.append(c >= ' ' && c < 0x7f ? String.valueOf(c) : String.format("\\u%04x", (int) c));
        }
        return quoted.append('"').toString();
    }
}
