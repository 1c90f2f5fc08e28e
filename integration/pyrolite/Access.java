import java.io.IOException;
import java.util.Arrays;

import net.razorvine.pyro.PyroProxy;

/** Who is let in: by what a handshake says, and by a key. */
final class Access {
    private Access() {}

    static void handshake(Caller caller) throws Exception {
        for (Object said : Arrays.asList(42, Arrays.asList("let", "me", "in"), Arrays.asList(42))) {
            PyroProxy service = new PyroProxy(caller.host, caller.port, "svc") {
                @Override
                public void validateHandshake(Object answer) throws IOException {
                    caller.print("welcome", answer);
                }
            };
            service.pyroHandshake = said;
            caller.call(service, "echo", said);
            service.close();
        }
    }

    /** The server's key is "secret". */
    static void keys(Caller caller) throws Exception {
        for (String key : Arrays.asList("secret", "another", null)) {
            PyroProxy service = caller.proxy("svc");
            if (key != null) {
                Line.sign(service, key);
            }
            caller.call(service, "echo", key);
            service.close();
        }
        PyroProxy service = caller.proxy("svc");
        Line.sign(service, "secret");
        caller.call(service, "fail", "value", "signed as well");
        service.call_oneway("notify", "signed");
        Caller.await(service, Arrays.asList("signed"), "received");
        service.close();
    }
}
