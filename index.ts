import { Ec2Host } from "./components/ec2Host";
import { ExistingHost } from "./components/existingHost";
import { Gateway } from "./components/gateway";
import { loadStackSettings } from "./components/stackSettings";

const { settings, credentials } = loadStackSettings();

const host =
  settings.host.kind === "ec2"
    ? new Ec2Host("host", { ...settings.host, wireguardPort: settings.wireguard.port })
    : new ExistingHost("host", settings.host);

const gateway = new Gateway("gateway", { host, settings, credentials });

export const { address, endpoint, serverPublicKey, exits, clientProfiles } = gateway;
/** How the machine is reached over SSH: user, private key, host key. A secret. */
export const { connection } = host;
