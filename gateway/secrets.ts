import type { Credentials } from "./settings/settings";

/** A client's part of the secrets. */
export interface ClientKeys {
  /** Made by us unless the client brought its own public key; base64. */
  readonly privateKey: string | undefined;
  readonly publicKey: string;
  /** WireGuard's symmetric key between this client and the gateway; base64. */
  readonly presharedKey: string;
}

/** What must not be seen, kept apart from the plan and joined in by the renderers that write 0600 files. */
export interface GatewaySecrets {
  /** The gateway's WireGuard private key; base64. */
  readonly serverPrivateKey: string;
  /** By the client's name. */
  readonly clients: ReadonlyMap<string, ClientKeys>;
  /** By the exit's name; only for the exits whose provider asks for them. */
  readonly credentials: ReadonlyMap<string, Credentials>;
}

/** What one endpoint of a transparent tunnel needs to speak with the others. */
export interface TunnelSecrets {
  readonly privateKey: string;
  /** By the peer's name. */
  readonly peers: ReadonlyMap<string, { readonly publicKey: string; readonly presharedKey: string }>;
}
