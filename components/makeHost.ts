import type { HostSettings } from "../gateway/settings/schema";
import { Ec2Host } from "./ec2Host";
import { ExistingHost } from "./existingHost";
import type { Host, Open } from "./host";

/** The host that settings ask for. */
export const makeHost = (name: string, settings: HostSettings, open: Open): Host =>
  settings.kind === "ec2" ? new Ec2Host(name, { ...settings, ...open }) : new ExistingHost(name, settings);
