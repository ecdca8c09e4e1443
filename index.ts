import { checkNetworks } from "./components/ec2Network";
import { makeGateways } from "./components/makeGateways";
import { makeHost } from "./components/makeHost";
import { loadStackSettings } from "./components/stackSettings";
import { TransparentTunnel } from "./components/transparentTunnel";
import type { TunnelSettings } from "./gateway/settings/tunnelChecks";

function makeTunnel(settings: TunnelSettings) {
  const name = `tunnel-${settings.name}`;
  const hosts = Object.fromEntries(
    settings.endpoints.map(({ name: endpoint, host, listenPort, services }) => [
      endpoint,
      makeHost(`${name}-${endpoint}`, host, { wireguardPort: listenPort, services }),
    ]),
  );
  return { name: settings.name, hosts, tunnel: new TransparentTunnel(name, { settings, hosts }) };
}

const byName = <Item extends { readonly name: string }, T>(items: readonly Item[], value: (item: Item) => T) =>
  Object.fromEntries(items.map((item) => [item.name, value(item)]));

/** The program. What a stack has none of is no output: the engine warns of those that are undefined. */
export = async () => {
  const { gateway: settings, tunnels: tunnelSettings, credentials } = loadStackSettings();
  const endpoints = tunnelSettings.flatMap((tunnel) => tunnel.endpoints);
  const gatewayHosts = settings === undefined ? [] : [settings.host, ...settings.replicas.map(({ host }) => host)];
  await checkNetworks([...gatewayHosts, ...endpoints.map(({ host }) => host)]);

  const gateways = settings && makeGateways(settings, credentials);
  const replicas = gateways?.replicas ?? [];
  const tunnels = tunnelSettings.map(makeTunnel);

  return {
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
      replicaConnections: byName(replicas, ({ host }) => host.connection),
      /** By replica: a profile for each client, by name. Secrets. */
      replicaProfiles: byName(replicas, ({ gateway }) => gateway.clientProfiles),
    }),
    ...(tunnels.length > 0 && {
      /** By tunnel and endpoint: its addresses and public key. */
      tunnels: byName(tunnels, ({ tunnel }) => tunnel.endpoints),
      /** By tunnel and endpoint: how its machine is reached over SSH. Secrets. */
      tunnelConnections: byName(tunnels, ({ hosts }) =>
        Object.fromEntries(Object.entries(hosts).map(([endpoint, host]) => [endpoint, host.connection])),
      ),
    }),
  };
};
