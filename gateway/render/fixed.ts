import { LIB_DIR, type MachineFile } from "./file";

/** Where the files of userdata/ that are installed as they are go, by the beginning or the end of their path. The first that fits counts. */
const places: readonly {
  readonly fits: RegExp;
  readonly place: (name: string) => string;
  readonly mode: MachineFile["mode"];
}[] = [
  { fits: /^gatewayctl\/[a-z_]+\.py$/, place: (name) => `${LIB_DIR}/${name}`, mode: "0644" },
  { fits: /^gatewayctl\.sh$/, place: () => "/usr/local/sbin/gatewayctl", mode: "0755" },
  {
    fits: /^units\/.+\.(service|timer|conf)$/,
    place: (name) => `/etc/systemd/system/${name.slice("units/".length)}`,
    mode: "0644",
  },
  { fits: /^networkd\.conf$/, place: () => "/etc/systemd/networkd.conf.d/50-wg-gateway.conf", mode: "0644" },
  { fits: /^logrotate\.conf$/, place: () => "/etc/logrotate.d/wg-gateway", mode: "0644" },
  { fits: /^scripts\/[a-z0-9-]+\.sh$/, place: (name) => `${LIB_DIR}/${name.slice("scripts/".length)}`, mode: "0755" },
];

/**
 * @param name path of a file, from userdata/
 * @returns the file as it stands on the machine, or undefined when it is not installed (the texts of the remote commands)
 */
export function installedFile(name: string, content: string): MachineFile | undefined {
  const found = places.find(({ fits }) => fits.test(name));
  return found && { path: found.place(name), mode: found.mode, content };
}
