import { renderUserData } from "../gateway/render/cloudInit";
import { Deployment } from "./deployment";
import type { Scenario } from "./flows/flow";
import { Lab, type LabOptions } from "./lab";
import { moveIn } from "./neighbour";
import { until } from "./process";
import { WebServer } from "./services";
import { snapshot } from "./snapshot";
import { addresses } from "./topology";

/** What is being done, in a few words. */
export type Progress = (message: string) => void;

/**
 * A lab whose machine has booted from the program's own user data, with a neighbour on it and nothing of ours yet. With `ec2` there is
 * no machine yet.
 */
export async function openLab(
  progress: Progress,
  options: Pick<LabOptions, "suite" | "ec2" | "keep"> = {},
): Promise<Lab> {
  const lab = await Lab.open({ ...options, progress, userData: ({ host }) => renderUserData(host) });
  if (!lab.cloud) await moveIn(lab.machine);
  return lab;
}

/**
 * Deploys the lab's stack and connects both clients with the profiles that the program exports.
 * @param lines takes what the engine says
 */
export async function deployInto(lab: Lab, progress: Progress, lines: Progress = progress): Promise<Scenario> {
  const before = lab.cloud ? undefined : await snapshot(lab.machine);
  const deployment = await Deployment.choose(lines, lab.cloud ? "lab-ec2" : "lab");
  progress(`deploying by ${deployment.engine}`);
  const deployed = await deployment.up();
  progress("connecting the clients");
  await connect({ lab, deployed });
  return { lab, deployment, deployed, before };
}

/** Both clients up, each with a web server of its own; resolves when both reach the internet. */
export async function connect({ lab, deployed }: Pick<Scenario, "lab" | "deployed">): Promise<void> {
  for (const [name, client] of Object.entries(lab.clients)) {
    const profile = deployed.outputs.clientProfiles?.[name];
    if (profile === undefined) throw new Error(`the deployment has no profile for client ${name}`);
    await client.up(profile);
  }
  await WebServer.start(lab.clients.direct.host, "10.4.0.50");
  await WebServer.start(lab.clients.vpn.host, "10.4.0.200");
  await settled(lab);
}

/** Resolves when both clients reach the internet. @throws Error when one does not within 60 s */
export async function settled(lab: Lab): Promise<void> {
  for (const [name, client] of Object.entries(lab.clients))
    await until(`the ${name} client reaches the internet`, 60_000, async () =>
      client.fetch(`http://${addresses.web}/`, { timeout: 1000 }).then(
        () => true,
        () => false,
      ),
    );
}
