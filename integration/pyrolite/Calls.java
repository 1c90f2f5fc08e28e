import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

import net.razorvine.pyro.PyroProxy;

/** All but values: arguments, errors, attributes, one-way calls, streams, objects, context, threads. */
final class Calls {
    private Calls() {}

    static void all(Caller caller) throws Exception {
        PyroProxy service = caller.proxy("svc");
        arguments(caller, service);
        errors(caller, service);
        attributes(caller, service);
        oneway(caller, service);
        streams(caller, service);
        service.close();
        context(caller);
        strangers(caller);
        threads(caller);
    }

    private static void arguments(Caller caller, PyroProxy service) throws Exception {
        caller.call(service, "add", 1, 2);
        caller.call(service, "add", 1);
        caller.call(service, "add");
        caller.call(service, "add", 1, 2, 3);
        caller.call(service, "nothing");
        caller.call(service, "__len__");
        caller.call(service, "not there");
        // What Pyrolite would not send, were the method not in the metadata.
        for (String method : List.of("unknown", "_private", "__class__", "velocity")) {
            service.pyroMethods.add(method);
            service.pyroAttrs.remove(method);
            caller.call(service, method);
        }
    }

    private static void errors(Caller caller, PyroProxy service) throws Exception {
        caller.call(service, "fail", "value", "wrong", 42);
        caller.call(service, "fail", "key", "missing");
        caller.call(service, "fail", "file", "no such file");
        caller.call(service, "fail", "timeout", "too slow");
        caller.call(service, "fail", "naming", "unknown name");
        caller.call(service, "fail", "value");
        caller.call(service, "fail", "value", "\u4f60 \ud83d\ude00");
    }

    private static void attributes(Caller caller, PyroProxy service) throws Exception {
        caller.attempt("velocity", () -> service.getattr("velocity"));
        caller.attempt("velocity = 2.5", () -> set(service, "velocity", 2.5));
        caller.attempt("velocity", () -> service.getattr("velocity"));
        caller.attempt("velocity = 1.5", () -> set(service, "velocity", 1.5));
        caller.attempt("readonly", () -> service.getattr("readonly"));
        caller.attempt("readonly = 1", () -> set(service, "readonly", 1));
        caller.attempt("unknown", () -> service.getattr("unknown"));
        caller.attempt("unknown = 1", () -> set(service, "unknown", 1));
        caller.attempt("echo, a method", () -> service.getattr("echo"));
        PyroProxy fresh = caller.proxy("svc");
        fresh.call("nothing");
        caller.call(fresh, "velocity");
        TreeSet<String> known = new TreeSet<>(fresh.pyroMethods);
        known.retainAll(List.of("__len__", "add", "echo", "notify", "velocity"));
        caller.print("methods", known);
        caller.print("attributes", fresh.pyroAttrs);
        caller.print("one-way methods", fresh.pyroOneway);
        fresh.close();
    }

    private static Object set(PyroProxy service, String attribute, Object value) throws Exception {
        service.setattr(attribute, value);
        return null;
    }

    private static void oneway(Caller caller, PyroProxy service) throws Exception {
        service.call_oneway("notify", "one-way");
        Caller.await(service, List.of("one-way"), "received");
        caller.call(service, "notify", "as any other");
        Caller.await(service, List.of("one-way", "as any other"), "received");
        service.call_oneway("fail", "value", "nobody hears this");
        service.call_oneway("unknown");
        caller.call(service, "add", 3, 4);
    }

    private static void streams(Caller caller, PyroProxy service) throws Exception {
        caller.attempt("stream", () -> items(service.call("stream", 3)));
        caller.attempt("empty stream", () -> items(service.call("stream", 0)));
        caller.attempt("long stream", () -> items(service.call("stream", 1000)).size());
        Iterator<?> failing = ((Iterable<?>) service.call("stream_fails")).iterator();
        caller.attempt("first of failing", failing::next);
        caller.attempt("second of failing", failing::next);
        caller.attempt("third of failing", failing::next);

        Number closed = (Number) service.call("streams_closed");
        Iterator<?> left = ((Iterable<?>) service.call("stream", 1000)).iterator();
        caller.attempt("left stream", left::next);
        ((PyroProxy.StreamResultIterable.StreamResultIterator<?>) left).close();
        Caller.await(service, closed.intValue() + 1, "streams_closed");

        PyroProxy passing = caller.proxy("svc");
        Iterator<?> cut = ((Iterable<?>) passing.call("stream", 1000)).iterator();
        caller.attempt("cut stream", cut::next);
        passing.close();
        caller.attempt("cut stream", cut::next);
    }

    private static List<Object> items(Object stream) {
        List<Object> items = new ArrayList<>();
        ((Iterable<?>) stream).forEach(items::add);
        return items;
    }

    static void objects(Caller caller) throws Exception {
        PyroProxy service = caller.proxy("svc");
        PyroProxy counter = (PyroProxy) service.call("new_counter");
        caller.print("a counter's methods", counter.pyroMethods);
        caller.call(counter, "increment");
        caller.call(counter, "increment");
        Map<?, ?> counters = (Map<?, ?>) service.call("new_counters");
        PyroProxy inList = (PyroProxy) ((List<?>) counters.get("list")).get(0);
        caller.call(inList, "increment");
        caller.attempt("called back", () -> service.call("call_back", counter, "increment"));
        counter.close();
        inList.close();
        for (String mode : List.of("session", "single", "percall")) {
            PyroProxy one = caller.proxy(mode);
            PyroProxy two = caller.proxy(mode);
            caller.print(mode, List.of(one.call("increment"), two.call("increment"), one.call("increment")));
            one.close();
            two.close();
        }
        service.close();
    }

    /** A proxy that was made here is called by the server. */
    static void callBack(Caller caller) throws Exception {
        PyroProxy service = caller.proxy("svc");
        PyroProxy single = caller.proxy("single");
        single.pyroMethods.add("increment");
        caller.attempt("called back", () -> service.call("call_back", single, "increment"));
        caller.attempt("called back", () -> service.call("call_back", single, "unknown"));
        service.close();
    }

    private static void context(Caller caller) throws Exception {
        TreeMap<String, byte[]> seen = new TreeMap<>();
        PyroProxy service = new PyroProxy(caller.host, caller.port, "svc") {
            @Override
            public SortedMap<String, byte[]> annotations() {
                SortedMap<String, byte[]> sent = super.annotations();
                sent.put("TEST", new byte[] {0, 1, -1});
                sent.put("LONG", new byte[300]);
                return sent;
            }

            @Override
            public void responseAnnotations(SortedMap<String, byte[]> annotations, int type) {
                seen.putAll(annotations);
            }
        };
        service.correlation_id = UUID.fromString("9613299a-464e-45c8-98ca-39ebc337e3fc");
        caller.call(service, "nothing");
        caller.print("annotations of the handshake", seen);
        seen.clear();
        Map<?, ?> context = (Map<?, ?>) service.call("context");
        for (String what : List.of("correlation_id", "seq", "flags", "serializer_id")) {
            caller.print(what, context.get(what));
        }
        for (String key : List.of("TEST", "LONG")) {
            caller.print(key, ((Map<?, ?>) context.get("annotations")).get(key));
        }
        caller.print("annotations", seen);
        caller.call(service, "annotated");
        caller.print("annotations", seen);
        service.close();
    }

    private static void strangers(Caller caller) throws Exception {
        PyroProxy unknown = caller.proxy("nobody");
        caller.call(unknown, "echo", 1);
        unknown.close();
        PyroProxy daemon = caller.proxy("Pyro.Daemon");
        caller.call(daemon, "ping");
        caller.attempt("registered", () -> new TreeSet<>((List<?>) daemon.call("registered")).contains("svc"));
        daemon.close();
        PyroProxy again = caller.proxy("svc");
        again.call("nothing");
        again.close();
        caller.call(again, "add", 5);
        again.close();
    }

    private static void threads(Caller caller) throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(2);
        Callable<List<Object>> work = () -> {
            PyroProxy counter = caller.proxy("session");
            PyroProxy service = caller.proxy("svc");
            Object count = null;
            int wrong = 0;
            for (int i = 0; i < 200; i++) {
                count = counter.call("increment");
                wrong += service.call("echo", i).equals(i) ? 0 : 1;
            }
            counter.close();
            service.close();
            return List.of(count, wrong);
        };
        for (Future<List<Object>> one : threads.invokeAll(List.of(work, work))) {
            caller.print("thread's count, and wrong answers", one.get());
        }
        threads.shutdown();
    }
}
