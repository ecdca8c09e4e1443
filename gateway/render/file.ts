/** A file of the release, as it shall stand on the machine. */
export interface MachineFile {
  /** Absolute path. */
  readonly path: string;
  /** Permission bits in octal, such as "0644"; the owner is root. "0600" for everything that holds a secret. */
  readonly mode: "0600" | "0644" | "0755";
  readonly content: string;
}

/** Where the rendered settings of the gateway lie. */
export const CONFIG_DIR = "/etc/wg-gateway";
/** Where the fixed scripts lie. */
export const LIB_DIR = "/usr/local/lib/wg-gateway";
/** The same of a transparent tunnel's endpoint. */
export const TUNNEL_CONFIG_DIR = "/etc/wg-tunnel";
export const TUNNEL_LIB_DIR = "/usr/local/lib/wg-tunnel";
