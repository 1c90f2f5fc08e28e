"""The test service, served by Pyro5."""

import types

import Pyro5.api
import Pyro5.errors
import Pyro5.serializers
import Pyro5.server

import common

API = types.SimpleNamespace(
    behavior=Pyro5.api.behavior,
    current_context=Pyro5.api.current_context,
    expose=Pyro5.api.expose,
    locate_ns=Pyro5.api.locate_ns,
    NamingError=Pyro5.errors.NamingError,
    oneway=Pyro5.api.oneway,
)


def main():
    options = common.service_options(__doc__)
    common.apply_config(Pyro5.api.config, options.config)
    if options.hmac:
        raise SystemExit("Pyro5 has no HMAC")
    daemon = common.daemon_class(Pyro5.server.Daemon, options)(
        host=options.host,
        port=options.port,
        unixsocket=options.unix,
        nathost=options.nathost,
        natport=options.natport,
    )
    if options.serializers:
        restrict_serializers(options.serializers.split(","))
    common.serve(API, daemon, options)


def restrict_serializers(names):
    """Pyro5 accepts every serializer it knows; make it forget the others.

    Marshal always stays: Pyro5 refuses handshakes in it.
    """
    for known in list(Pyro5.serializers.serializers):
        if known not in names and known != "marshal":
            serializer = Pyro5.serializers.serializers.pop(known)
            Pyro5.serializers.serializers_by_id.pop(serializer.serializer_id, None)


main()
