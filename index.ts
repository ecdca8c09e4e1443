import { makeGateways } from "./components/makeGateways";
import { makeHost } from "./components/makeHost";
import { loadStackSettings } from "./components/stackSettings";
import { TransparentTunnel } from "./components/transparentTunnel";

const { gateway: settings, tunnels: tunnelSettings, credentials } = loadStackSettings();

const gateways = settings && makeGateways(settings, credentials);
const replicas = gateways?.replicas ?? [];

const tunnels = tunnelSettings.map((tunnel) => {
  const name = `tunnel-${tunnel.name}`;
  const hosts = Object.fromEntries(
    tunnel.endpoints.map(({ name: endpoint, host: its, listenPort, services }) => [
      endpoint,
      makeHost(`${name}-${endpoint}`, its, { wireguardPort: listenPort, services }),
    ]),
  );
  return { name: tunnel.name, hosts, tunnel: new TransparentTunnel(name, { settings: tunnel, hosts }) };
});

const byName = <One extends { readonly name: string }, T>(all: readonly One[], value: (one: One) => T) =>
  Object.fromEntries(all.map((one) => [one.name, value(one)]));

/** What a stack has none of is no output: the engine warns of those that are undefined. */
export = {
  ...(gateways && {
    address: gateways.gateway.address,
    endpoint: gateways.gateway.endpoint,
    serverPublicKey: gateways.gateway.serverPublicKey,
    exits: gateways.gateway.exits,
    clientProfiles: gateways.gateway.clientProfiles,
    /** How the gateway's machine is reached over SSH: user, private key, host key. A secret. */
    connection: gateways.host.connection,
  }),
  ...(replicas.length > 0 && {
    /** By replica: where it is, and what clients connect to. */
    replicas: byName(replicas, ({ gateway: { address, endpoint } }) => ({ address, endpoint })),
    /** By replica: how its machine is reached over SSH. Secrets. */
    replicaConnections: byName(replicas, (one) => one.host.connection),
    /** By replica: a profile for each client, by name. Secrets. */
    replicaProfiles: byName(replicas, (one) => one.gateway.clientProfiles),
  }),
  ...(tunnels.length > 0 && {
    /** By tunnel and endpoint: its addresses and public key. */
    tunnels: byName(tunnels, ({ tunnel }) => tunnel.endpoints),
    /** By tunnel and endpoint: how its machine is reached over SSH. Secrets. */
    tunnelConnections: byName(tunnels, ({ hosts }) =>
      byName(
        Object.entries(hosts).map(([name, its]) => ({ name, its })),
        ({ its }) => its.connection,
      ),
    ),
  }),
};
