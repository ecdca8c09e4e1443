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

export const { address, endpoint, serverPublicKey, exits, clientProfiles }: Partial<Gateway> = gateway ?? {};
/** How the gateway's machine is reached over SSH: user, private key, host key. A secret. */
export const connection = host?.connection;

const byTunnel = <T>(value: (one: (typeof made)[number]) => T): Record<string, T> | undefined =>
  made.length > 0 ? Object.fromEntries(made.map((one) => [one.name, value(one)])) : undefined;
/** By tunnel and endpoint: its addresses and public key. */
export const tunnels = byTunnel(({ tunnel }) => tunnel.endpoints);
/** By tunnel and endpoint: how its machine is reached over SSH. Secrets. */
export const tunnelConnections = byTunnel(({ hosts }) =>
  Object.fromEntries(Object.entries(hosts).map(([name, its]) => [name, its.connection])),
);
