#!/bin/sh
# The gateway's command on the machine; see `gatewayctl --help`.
exec /usr/bin/python3 -B /usr/local/lib/wg-gateway/gatewayctl/main.py "$@"
