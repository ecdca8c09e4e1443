import type { HostSettings } from "../gateway/settings/schema";
import { Ec2Host, type Ec2HostArgs } from "./ec2Host";
import { ExistingHost } from "./existingHost";
import type { Host, Open } from "./host";

/** The host that settings ask for. A machine that is there is neither made nor replaced: it waits for none. */
export const makeHost = (name: string, settings: HostSettings, open: Open & Pick<Ec2HostArgs, "after">): Host =>
  settings.kind === "ec2" ? new Ec2Host(name, { ...settings, ...open }) : new ExistingHost(name, settings);
