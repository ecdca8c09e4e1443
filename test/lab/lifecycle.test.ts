import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Changes, Deployment, type UpResult } from "../../lab/deployment";
import { onMachine } from "../../lab/flows";
import { Lab } from "../../lab/lab";
import { argumentsOf, findProcesses, signal, until } from "../../lab/process";
import { connect, openLab } from "../../lab/scenario";

const quiet = () => undefined;
const nothing = { created: 0, updated: 0, replaced: 0, deleted: 0 };
const engines = Deployment.engines();

/* What becomes of the gateway whatever the engine is told to do, by each engine that is here. */
describe.each(engines)("by the engine %s:", (kind) => {
  let lab: Lab;
  let deployment: Deployment;
  let progress: string[] = [];

  /** The gateway is on its machine and whole, and both clients get out with what the deployment hands out. */
  async function expectGateway(deployed: UpResult): Promise<void> {
    expect((await onMachine({ lab }, "gatewayctl check")).trim()).toBe("the machine is as its release says");
    for (const client of Object.values(lab.clients)) await client.down();
    await connect({ lab, deployed });
  }
  const isThere = async () => (await onMachine({ lab }, "ls /usr/local/sbin")).includes("gatewayctl");

  beforeAll(async () => {
    lab = await openLab(quiet);
    deployment = Deployment.by(kind, (line) => void progress.push(line));
  });
  afterAll(() => Lab.clear());

  test("what is made is made once", async () => {
    await expectGateway(await deployment.up());
    expect((await deployment.up()).summary).toMatchObject(nothing);
  });

  test.each(["host-ready", "gateway-release-apply", "gateway-server-key", "gateway-clients-vpn"])(
    "--replace of %s leaves a working gateway",
    async (name) => {
      const replaced = await deployment.up({}, [name]);
      expect(replaced.summary).toMatchObject({ replaced: 1, created: 0, deleted: 0 });
      await expectGateway(replaced);
      expect((await deployment.up()).summary).toMatchObject(nothing);
    },
  );

  test.each(["gateway-release-apply"])("%s that the state has lost is made again", async (name) => {
    await deployment.forget(name);
    const deployed = await deployment.up();
    expect(deployed.summary).toMatchObject({ created: 1, deleted: 0 });
    await expectGateway(deployed);
  });

  describe("a run that is killed", () => {
    /** Kills the engine in the middle of an `up`, when it has said some words. */
    async function killedAt(words: string, change: Changes): Promise<void> {
      progress = [];
      const ended = deployment.up(change).then(
        () => "it ended by itself",
        () => "killed",
      );
      await until(`"${words}" is said`, 120_000, () => progress.some((line) => line.includes(words)));
      const engine = findProcesses((pid) => {
        const [program = "", ...rest] = argumentsOf(pid);
        const isEngine =
          kind === "pulumi" ? program.endsWith("pulumi") : rest.some((word) => word.endsWith("engine/main.ts"));
        return isEngine && rest.includes("up");
      });
      expect(engine.length).toBeGreaterThan(0);
      for (const process of engine) signal(process, "SIGKILL");
      expect(await ended).toBe("killed");
      await deployment.recover();
    }

    test.each(["installing", "starting wg0", "waiting for exit vpn"])(
      "at the first deployment, at %s, is made good by the next",
      async (words) => {
        await deployment.destroy();
        await killedAt(words, {});
        await expectGateway(await deployment.up());
      },
    );

    test.each(["restarting wg0", "waiting for exit vpn"])(
      "while it changes, at %s, is made good by the next",
      async (words) => {
        const change = { wireguard: { mtu: 1400 } };
        await killedAt(words, change);
        const deployed = await deployment.up(change);
        expect(await onMachine({ lab }, "ip link show wg0")).toContain("mtu 1400");
        await expectGateway(deployed);
        await expectGateway(await deployment.up());
      },
    );
  });

  describe("a machine that is another's than its host key says", () => {
    const wrong = () => ({ host: { ...host, hostKey: lab.keys.user.publicKey } });
    const host = {
      kind: "existing",
      address: "198.51.100.10",
      user: "admin",
      privateKeyFile: "/run/wg-gateway-lab/ssh/id_ed25519",
      hostKey: "/run/wg-gateway-lab/ssh/host_ed25519.pub",
    };
    const bare = (key: string) => key.split(" ").slice(0, 2).join(" ");

    test("is refused at once, with both keys, and the outputs keep the one that worked", async () => {
      const began = performance.now();
      const error = await deployment.up(wrong()).catch((thrown: unknown) => thrown as Error);
      expect(error).toBeInstanceOf(Error);
      expect((error as Error).message).toContain(bare(lab.keys.host.publicKey));
      expect((error as Error).message).toContain(bare(lab.keys.user.publicKey));
      expect((error as Error).message).not.toContain("Dial");
      expect(performance.now() - began).toBeLessThan(60_000);
      const corrected = await deployment.up();
      expect(corrected.summary).toMatchObject(nothing);
      expect(JSON.stringify(corrected.outputs)).not.toContain(bare(lab.keys.user.publicKey));
      await expectGateway(corrected);
    });
  });

  describe("a second stack with the same machine", () => {
    const owner = (stack: string) => `organization/wg-gateway/${stack}/gateway-release`;
    const second = () => Deployment.by(kind, quiet, "lab", "second");

    test("is refused with its owner's name and the command that hands the machine over", async () => {
      const message = await second()
        .up()
        .catch((error: unknown) => (error as Error).message);
      expect(message).toContain(owner("lab"));
      expect(message).toContain(`sudo gatewayctl handover ${owner("second")}`);
      expect((await onMachine({ lab }, "gatewayctl check")).trim()).toBe("the machine is as its release says");
    });

    test("takes nothing away when it is destroyed", async () => {
      await second().destroy();
      expect(await isThere()).toBe(true);
      expect((await deployment.up()).summary).toMatchObject(nothing);
    });

    test("has the machine once it was handed over; the first stack's removal leaves it alone", async () => {
      await onMachine({ lab }, `gatewayctl handover ${owner("second")}`);
      const taken = await second().up();
      await expectGateway(taken);
      await deployment.destroy();
      expect(await isThere()).toBe(true);
      await expectGateway(taken);
      await second().destroy();
      expect(await isThere()).toBe(false);
    });
  });

  test("what is destroyed is gone, and may be destroyed again", async () => {
    await expectGateway(await deployment.up());
    expect((await deployment.destroy()).deleted).toBeGreaterThan(4);
    expect(await isThere()).toBe(false);
    expect((await deployment.destroy()).deleted).toBe(0);
  });
});
