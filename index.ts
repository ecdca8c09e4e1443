import { Gateway } from "./components/gateway";
import { makeHost } from "./components/makeHost";
import { loadStackSettings } from "./components/stackSettings";
import { TransparentTunnel } from "./components/transparentTunnel";

const { gateway: settings, tunnels: tunnelSettings, credentials } = loadStackSettings();

const host =
  settings &&
  makeHost("host", settings.host, {
    wireguardPort: settings.wireguard.port,
    services: settings.published.services,
  });
const gateway = settings && host && new Gateway("gateway", { host, settings, credentials });

const made = tunnelSettings.map((tunnel) => {
  const name = `tunnel-${tunnel.name}`;
  const hosts = Object.fromEntries(
    tunnel.endpoints.map(({ name: endpoint, host: its, listenPort, services }) => [
      endpoint,
      makeHost(`${name}-${endpoint}`, its, { wireguardPort: listenPort, services }),
    ]),
  );
  return { name: tunnel.name, hosts, tunnel: new TransparentTunnel(name, { settings: tunnel, hosts }) };
});

const byTunnel = <T>(value: (one: (typeof made)[number]) => T): Record<string, T> =>
  Object.fromEntries(made.map((one) => [one.name, value(one)]));

/** What a stack has none of is no output: the engine warns of those that are undefined. */
export = {
  ...(gateway &&
    host && {
      address: gateway.address,
      endpoint: gateway.endpoint,
      serverPublicKey: gateway.serverPublicKey,
      exits: gateway.exits,
      clientProfiles: gateway.clientProfiles,
      /** How the gateway's machine is reached over SSH: user, private key, host key. A secret. */
      connection: host.connection,
    }),
  ...(made.length > 0 && {
    /** By tunnel and endpoint: its addresses and public key. */
    tunnels: byTunnel(({ tunnel }) => tunnel.endpoints),
    /** By tunnel and endpoint: how its machine is reached over SSH. Secrets. */
    tunnelConnections: byTunnel(({ hosts }) =>
      Object.fromEntries(Object.entries(hosts).map(([name, its]) => [name, its.connection])),
    ),
  }),
};
