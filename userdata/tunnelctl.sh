#!/bin/sh
# The transparent tunnel's command on an endpoint; see `tunnelctl --help`.
exec /usr/bin/python3 -B /usr/local/lib/wg-tunnel/main.py "$@"
