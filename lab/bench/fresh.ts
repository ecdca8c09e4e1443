import { renderUserData } from "../../gateway/render/cloudInit";
import { Deployment } from "../deployment";
import type { Lab } from "../lab";

/** A machine as it is after its first boot: the packages in apt's cache, none of them installed, nothing of ours. */
export async function freshMachine(lab: Lab): Promise<void> {
  const { host, user } = lab.keys;
  await lab.machine.create(renderUserData(host), user.publicKey);
  await lab.machine.boot();
  await lab.machine.must(["sh", "-c", "cloud-init status --wait >/dev/null || test $? = 2"], { timeout: 120_000 });
}

export interface Timeline {
  readonly seconds: number;
  /** Seconds by phase, what it ended with last. */
  readonly phases: Readonly<Record<string, number>>;
}

/** What is said at the end of each phase of a deployment, by the machine and so by both engines. */
const endings = [
  ["program", /reached \d/],
  ["cloudInit", /cloud-init has finished/],
  ["packages", /installed in \d/],
  ["release", /is in place after/],
] as const;

/** Deploys with a clock at the lines that are said. */
export class TimedDeployment {
  private lines: { at: number; line: string }[] = [];

  private constructor(readonly deployment: Deployment) {}

  static choose(): TimedDeployment {
    let noted: (line: string) => void = () => undefined;
    const made = new TimedDeployment(Deployment.choose((line) => noted(line)));
    noted = (line) => void made.lines.push({ at: performance.now(), line });
    return made;
  }

  /** The first deployment. @throws Error when a phase's ending was not said */
  async first(changes = {}): Promise<Timeline & { profiles: Record<string, string> }> {
    this.lines = [];
    const { began, seconds, outputs } = await this.deployment.up(changes);
    let before = began;
    const phases: Record<string, number> = {};
    for (const [name, ending] of endings) {
      const said = this.lines.find(({ line }) => ending.test(line));
      if (!said) throw new Error(`the deployment did not say ${ending}`);
      phases[name] = (said.at - before) / 1000;
      before = said.at;
    }
    phases["end"] = seconds - (before - began) / 1000;
    return { seconds, phases, profiles: outputs.clientProfiles ?? {} };
  }
}
