import { LIB_DIR, type MachineFile, TUNNEL_LIB_DIR } from "./file";

/** What a release brings to a machine. */
export type Product = "gateway" | "tunnel";

interface Place {
  readonly fits: RegExp;
  readonly place: (name: string) => string;
  readonly mode: MachineFile["mode"];
}

const file = (name: string): string => name.slice(name.indexOf("/") + 1);

/** Where the files of userdata/ that are installed as they are go, by the beginning or the end of their path. The first that fits counts. */
const places: Readonly<Record<Product, readonly Place[]>> = {
  gateway: [
    {
      fits: /^(gatewayctl|shared)\/[a-z_]+\.py$/,
      place: (name) => `${LIB_DIR}/gatewayctl/${file(name)}`,
      mode: "0644",
    },
    { fits: /^gatewayctl\.sh$/, place: () => "/usr/local/sbin/gatewayctl", mode: "0755" },
    { fits: /^units\/.+\.(service|timer|conf)$/, place: (name) => `/etc/systemd/system/${file(name)}`, mode: "0644" },
    { fits: /^networkd\.conf$/, place: () => "/etc/systemd/networkd.conf.d/50-wg-gateway.conf", mode: "0644" },
    { fits: /^logrotate\.conf$/, place: () => "/etc/logrotate.d/wg-gateway", mode: "0644" },
    { fits: /^scripts\/[a-z0-9-]+\.sh$/, place: (name) => `${LIB_DIR}/${file(name)}`, mode: "0755" },
  ],
  tunnel: [
    { fits: /^(tunnelctl|shared)\/[a-z_]+\.py$/, place: (name) => `${TUNNEL_LIB_DIR}/${file(name)}`, mode: "0644" },
    { fits: /^tunnelctl\.sh$/, place: () => "/usr/local/sbin/tunnelctl", mode: "0755" },
    { fits: /^tunnelctl\/.+\.service$/, place: (name) => `/etc/systemd/system/${file(name)}`, mode: "0644" },
    { fits: /^networkd\.conf$/, place: () => "/etc/systemd/networkd.conf.d/50-wg-tunnel.conf", mode: "0644" },
  ],
};

/**
 * @param name path of a file, from userdata/
 * @returns the file as it stands on the machine, or undefined when it is not installed (the texts of the remote commands, the other product's)
 */
export function installedFile(product: Product, name: string, content: string): MachineFile | undefined {
  const found = places[product].find(({ fits }) => fits.test(name));
  return found && { path: found.place(name), mode: found.mode, content };
}
