import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { mapSecrets, type Wire } from "../../lab/engine/secretValue";
import { onMachine } from "../../lab/flows";
import { Lab } from "../../lab/lab";
import { run } from "../../lab/process";
import { EmbeddedDeployment, type UpResult } from "../../lab/deployment";
import { connect, openLab } from "../../lab/scenario";
import { stateDir } from "../../lab/state";
import { namespaceOf } from "../../lab/topology";
import {
  expectFilesOnlyAt,
  expectNoneInJournal,
  expectNoneInProcesses,
  filesWith,
  PLANTED,
  Secrets,
  watchProcesses,
} from "./secretSearch";

/** In a connection that cannot be dialled, its key would be easiest to show. */
const dead = { kind: "existing", address: "192.0.2.99", user: "admin" };

describe("no private key and no password is in the clear where it does not belong:", () => {
  let lab: Lab;
  let deployed: UpResult;
  const deployment = new EmbeddedDeployment();
  const secrets = new Secrets();
  /** Messages of deployments that fail. */
  const errors: string[] = [];
  let processes = "";
  let settings: {
    exits: { name: string; profile: string; kind?: string; slot?: number }[];
    credentials: Record<string, { username: string; password: string }>;
  };
  /** Of the gateway, before it was rotated. */
  const former = { key: "", publicKey: "" };
  const gatewayKey = async () => (await onMachine({ lab }, "wg show wg0 private-key")).trim();

  const failure = (attempt: Promise<unknown>) =>
    attempt.then(
      () => errors.push("it did not fail"),
      (error: unknown) => errors.push((error as Error).message),
    );

  beforeAll(async () => {
    lab = await openLab(() => undefined);
    const { provider, express, wgprov } = lab.providers;
    const login = ({ user, password }: { user: string; password: string }) => ({ username: user, password });
    settings = {
      exits: [
        { name: "vpn", profile: provider.profilePath },
        { name: "nl", kind: "wireguard", profile: wgprov.profilePath, slot: 2 },
        { name: "express", profile: express.profilePath, slot: 3 },
      ],
      credentials: { vpn: login(provider.credentials), express: login(express.credentials) },
    };
    const processesUntilNow = await watchProcesses(lab.machine);
    deployed = await deployment.up(settings);
    former.key = await gatewayKey();
    former.publicKey = deployed.outputs.serverPublicKey ?? "";
    deployed = await deployment.up({ ...settings, wireguard: { keyVersion: 2 } });
    const rows = (text: string, block: string) =>
      new RegExp(`<${block}>([^]*?)</${block}>`).exec(text)?.[1]?.trim().split("\n") ?? [];
    const value = (text: string, key: string) => new RegExp(`^${key} = (.*)$`, "m").exec(text)?.[1] ?? "";
    for (const [name, profile] of Object.entries({
      ...deployed.outputs.clientProfiles,
      "the WireGuard provider": wgprov.profile,
    })) {
      secrets.all[`private key of ${name}`] = value(profile, "PrivateKey");
      secrets.all[`preshared key of ${name}`] = value(profile, "PresharedKey");
    }
    for (const [name, { profile }] of Object.entries({ provider, "second provider": express }))
      for (const block of ["key", "tls-crypt"])
        secrets.all[`the ${name}'s ${block}`] = rows(profile, block).at(-3) ?? "";
    secrets.all["the gateway's former key"] = former.key;
    secrets.all["the provider's password"] = provider.credentials.password;
    secrets.all["the second provider's user"] = express.credentials.user;
    // As far as it is the same wherever it stands: the rest of it is escaped in JSON, and twice in JSON within JSON.
    secrets.all["the second provider's password"] = express.credentials.password.split('"')[0]!;
    secrets.all["the login key"] = lab.keys.user.privateKey.split("\n").at(2) ?? "";
    secrets.all["the host key"] = lab.keys.host.privateKey.split("\n").at(2) ?? "";
    secrets.all["the gateway's private key"] = await gatewayKey();
    processes = await processesUntilNow();

    const host = { ...dead, privateKeyFile: join(stateDir, "ssh/id_ed25519"), hostKey: lab.keys.host.publicKey };
    const password = provider.credentials.password;
    const refused = (name: string, { username, password: secret }: { username: string; password: string }) =>
      failure(
        deployment.up({
          ...settings,
          credentials: { ...settings.credentials, [name]: { username: `${username}\n`, password: `${secret}\n` } },
        }),
      );
    await Promise.all([
      refused("vpn", { username: password, password }),
      refused("express", login(express.credentials)),
      failure(
        deployment.up({ ...settings, credentials: { ...settings.credentials, wrong: { username: "a", password } } }),
      ),
      failure(
        deployment.up({ ...settings, passwort: password, exits: [{ ...settings.exits[0], profile: "nowhere" }] }),
      ),
      failure(
        deployment.up({ ...settings, host: { ...host, hostKey: lab.keys.user.publicKey, address: "198.51.100.10" } }),
      ),
    ]);
    // On the machine: what gatewayctl and its scripts say when something does not work.
    await onMachine({ lab }, "mount --bind /bin/false /usr/bin/wg-quick");
    await failure(deployment.up({ ...settings, wireguard: { keyVersion: 2, mtu: 1400 } }));
    // Lazily: the repair of each minute may be running it just then.
    await onMachine({ lab }, "umount --lazy /usr/bin/wg-quick; gatewayctl check --repair");
  });
  afterAll(() => Lab.clear());

  test("all of them are there to be found", () => {
    expect(Object.keys(secrets.all).length).toBeGreaterThan(15);
    secrets.expectToBeFindable();
  });

  test("the gateway's key rotates: every profile has the new one, and the machine shows it", async () => {
    const { serverPublicKey, clientProfiles } = deployed.outputs;
    expect(serverPublicKey).not.toBe(former.publicKey);
    expect((await onMachine({ lab }, "wg show wg0 public-key")).trim()).toBe(serverPublicKey);
    for (const profile of Object.values(clientProfiles ?? {}))
      expect(profile).toContain(`PublicKey = ${serverPublicKey}\n`);
    await connect({ lab, deployed });
  });

  test("errors of what fails", () => {
    expect(errors).toHaveLength(6);
    for (const error of errors) expect(error.length, error).toBeGreaterThan(40);
    secrets.expectNone(errors.join("\n"));
  });

  test("what a deployment by the embedded engine says, with all that it can be told to, and shows of its outputs", async () => {
    const engine = [
      process.execPath,
      "--import",
      "tsx",
      "lab/engine/main.ts",
      "up",
      "--state",
      join(stateDir, "engine.json"),
      "--config",
      `exits=${JSON.stringify(settings.exits)}`,
      "--config",
      `wireguard={"keyVersion":2}`,
      "--config",
      `credentials=${JSON.stringify(settings.credentials)}`,
    ];
    const env = { ...process.env, PULUMI_DEBUG_COMMANDS: "true", PULUMI_DEBUG_GRPC: "", NODE_DEBUG: "child_process" };
    const shown = await run(["ip", "netns", "exec", namespaceOf("operator"), ...engine], { env, timeout: 120_000 });
    expect(shown.stdout).toContain("clientProfiles");
    secrets.expectNone(deployed.said + shown.stdout + shown.stderr);
  });

  test("the state: every secret in it is marked as one", () => {
    const path = join(stateDir, "engine.json");
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const text = readFileSync(path, "utf8");
    expect(secrets.found(text)).toEqual(
      expect.arrayContaining([
        "the provider's password",
        "the second provider's user",
        "the second provider's password",
      ]),
    );
    const unmarked = JSON.stringify(mapSecrets(JSON.parse(text) as Wire, () => "[secret]"));
    expect(unmarked).toContain("gateway-release-apply");
    secrets.expectNone(unmarked);
  });

  test("arguments and environments of the machine's processes while it is deployed", () => {
    expectNoneInProcesses(secrets, processes, "exit-up.sh");
  });

  test("the journal", () => expectNoneInJournal(secrets, lab.machine, "wg0-up.sh"));

  test("files of the machine: only where they belong, and nobody but root reads them", async () => {
    const { "the host key": hostKey, ...others } = secrets.all;
    await expectFilesOnlyAt(lab.machine, Object.values(others), [
      /^600 0 \/etc\/wireguard\/wg0\.conf$/,
      /^600 0 \/var\/lib\/wg-gateway\/release\.json$/,
      ...["vpn", "express"].flatMap((exit) =>
        ["openvpn\\.conf", "credentials"].map((file) => new RegExp(`^600 0 /etc/wg-gateway/exits/${exit}/${file}$`)),
      ),
      /^600 0 \/etc\/wg-gateway\/exits\/nl\/wireguard\.conf$/,
    ]);
    // The machine's own key, and where cloud-init has it from: see docs/security.md, EC2's host key.
    const own = /^[46]00 0 \/(etc\/ssh\/ssh_host_ed25519_key$|(var\/lib\/cloud|run\/cloud-init)\/)/;
    const shown = await filesWith(lab.machine, [hostKey ?? ""]);
    expect(shown).toContain("600 0 /etc/ssh/ssh_host_ed25519_key");
    expect(shown.filter((line) => !own.test(line))).toEqual([]);
    // What is no key any more is nowhere.
    expect(await filesWith(lab.machine, [former.key])).toEqual([]);
  });

  test("files of whoever deploys: only in the lab's own, and nobody else reads them", () => {
    const search = (folder: string): string[] =>
      readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
        const path = join(folder, entry.name);
        // The providers' own, their logs too, and the machine, which is looked at above.
        if (/^(machines?|hosts|provider.*)$/.test(entry.name)) return [];
        if (entry.isDirectory()) return search(path);
        if (!entry.isFile()) return [];
        return secrets
          .found(readFileSync(path, "latin1"))
          .map((name) => `${(statSync(path).mode & 0o777).toString(8)} ${name} ${path}`);
      });
    const all = search(stateDir);
    expect(all.length).toBeGreaterThan(3);
    expect(all.filter((line) => !line.startsWith("600 "))).toEqual([]);
    mkdirSync(join(stateDir, "planted"));
    writeFileSync(join(stateDir, "planted", "file"), PLANTED, { mode: 0o644 });
    expect(search(stateDir).filter((line) => !line.startsWith("600 "))).toHaveLength(1);
  });
});
