"""The test service, served by Pyro4."""

import types

import Pyro4
import Pyro4.core
import Pyro4.errors
import Pyro4.naming

import common

API = types.SimpleNamespace(
    behavior=Pyro4.behavior,
    current_context=Pyro4.current_context,
    expose=Pyro4.expose,
    locate_ns=Pyro4.naming.locateNS,
    NamingError=Pyro4.errors.NamingError,
    oneway=Pyro4.oneway,
)


def main():
    options = common.service_options(__doc__)
    common.apply_config(Pyro4.config, options.config)
    if options.serializers:
        Pyro4.config.SERIALIZERS_ACCEPTED = set(options.serializers.split(","))
    daemon = common.daemon_class(Pyro4.core.Daemon, options)(
        host=options.host,
        port=options.port,
        unixsocket=options.unix,
        nathost=options.nathost,
        natport=options.natport,
    )
    if options.hmac:
        daemon._pyroHmacKey = options.hmac
    common.serve(API, daemon, options)


main()
