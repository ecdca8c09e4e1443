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

const PLANTED = "planted-where-no-secret-belongs";

/** Writes what every process is called and has as its environment to /run/seen, until /run/seen.stop is there. */
const WATCH = `
import glob, os
seen = set()
while not os.path.exists("/run/seen.stop"):
    for name in glob.glob("/proc/[0-9]*/cmdline") + glob.glob("/proc/[0-9]*/environ"):
        try:
            seen.add(open(name, "rb").read())
        except OSError:
            pass
open("/run/seen", "wb").write(b"\\n".join(seen))
`;

/** In a connection that cannot be dialled, its key would be easiest to show. */
const dead = { kind: "existing", address: "192.0.2.99", user: "admin" };

describe("no private key and no password is in the clear where it does not belong:", () => {
  let lab: Lab;
  let deployed: UpResult;
  const deployment = new EmbeddedDeployment();
  /** What there is to find, by what it is. */
  const secrets: Record<string, string> = { planted: PLANTED };
  /** Messages of deployments that fail. */
  const errors: string[] = [];
  let processes = "";
  let settings: { exits: { name: string; profile: string; kind?: string; slot?: number }[] };
  /** Of the gateway, before it was rotated. */
  const former = { key: "", publicKey: "" };
  const gatewayKey = async () => (await onMachine({ lab }, "wg show wg0 private-key")).trim();

  const found = (text: string): string[] => Object.keys(secrets).filter((name) => text.includes(secrets[name]!));
  /** What a search finds, without and with something planted: it must find nothing but that. */
  const finds = (text: string) => ({ without: found(text), withPlanted: found(text + PLANTED) });
  const nothing = { without: [], withPlanted: ["planted"] };
  const failure = (attempt: Promise<unknown>) =>
    attempt.then(
      () => errors.push("it did not fail"),
      (error: unknown) => errors.push((error as Error).message),
    );

  beforeAll(async () => {
    lab = await openLab(() => undefined);
    const { provider, wgprov } = lab.providers;
    settings = {
      exits: [
        { name: "vpn", profile: provider.profilePath },
        { name: "nl", kind: "wireguard", profile: wgprov.profilePath, slot: 2 },
      ],
    };
    await onMachine({ lab }, `systemd-run --quiet --unit=watch-processes python3 -c '${WATCH}'`);
    deployed = await deployment.up(settings);
    former.key = await gatewayKey();
    former.publicKey = deployed.outputs.serverPublicKey ?? "";
    deployed = await deployment.up({ ...settings, wireguard: { keyVersion: 2 } });
    // A control: a process of a moment, with a secret in its arguments, and one with it in its environment.
    await onMachine({ lab }, `sh -c 'sleep 0.3' ${PLANTED}-argument; ENVIRONMENT=${PLANTED}-environment sleep 0.3`);

    const rows = (text: string, block: string) =>
      new RegExp(`<${block}>([^]*?)</${block}>`).exec(text)?.[1]?.trim().split("\n") ?? [];
    const value = (text: string, key: string) => new RegExp(`^${key} = (.*)$`, "m").exec(text)?.[1] ?? "";
    for (const [name, profile] of Object.entries({
      ...deployed.outputs.clientProfiles,
      "the WireGuard provider": wgprov.profile,
    })) {
      secrets[`private key of ${name}`] = value(profile, "PrivateKey");
      secrets[`preshared key of ${name}`] = value(profile, "PresharedKey");
    }
    for (const block of ["key", "tls-crypt"])
      secrets[`the provider's ${block}`] = rows(provider.profile, block).at(-3) ?? "";
    secrets["the gateway's private key"] = await gatewayKey();
    secrets["the gateway's former key"] = former.key;
    secrets["the provider's password"] = "correct-horse-battery";
    secrets["the login key"] = lab.keys.user.privateKey.split("\n").at(2) ?? "";
    secrets["the host key"] = lab.keys.host.privateKey.split("\n").at(2) ?? "";

    await onMachine({ lab }, "touch /run/seen.stop; until [ -s /run/seen ]; do sleep 0.05; done; rm /run/seen.stop");
    processes = await lab.machine.must(["sh", "-c", "tr '\\0' ' ' </run/seen; rm /run/seen"]);

    const host = { ...dead, privateKeyFile: join(stateDir, "ssh/id_ed25519"), hostKey: lab.keys.host.publicKey };
    const password = secrets["the provider's password"];
    await Promise.all([
      failure(
        deployment.up({ ...settings, credentials: { vpn: { username: `${password}\n`, password: `${password}\n` } } }),
      ),
      failure(deployment.up({ ...settings, credentials: { wrong: { username: "a", password } } })),
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
    await onMachine({ lab }, "umount /usr/bin/wg-quick; gatewayctl check --repair");
  });
  afterAll(() => Lab.clear());

  test("all of them are there to be found", () => {
    expect(Object.keys(secrets).length).toBeGreaterThan(10);
    for (const [name, secret] of Object.entries(secrets)) expect(secret.length, name).toBeGreaterThan(20);
    expect(new Set(Object.values(secrets)).size).toBe(Object.keys(secrets).length);
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
    expect(errors).toHaveLength(5);
    for (const error of errors) expect(error.length, error).toBeGreaterThan(40);
    expect(finds(errors.join("\n"))).toEqual(nothing);
  });

  test("what the deployment says, and what it shows of its outputs", async () => {
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
    ];
    const env = { ...process.env, PULUMI_DEBUG_COMMANDS: "true", PULUMI_DEBUG_GRPC: "", NODE_DEBUG: "child_process" };
    const shown = await run(["ip", "netns", "exec", namespaceOf("operator"), ...engine], { env, timeout: 120_000 });
    expect(shown.stdout).toContain("clientProfiles");
    expect(finds(deployed.said + shown.stdout + shown.stderr)).toEqual(nothing);
  });

  test("the state: every secret in it is marked as one", () => {
    const path = join(stateDir, "engine.json");
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const text = readFileSync(path, "utf8");
    expect(found(text)).toContain("the provider's password");
    const unmarked = JSON.stringify(mapSecrets(JSON.parse(text) as Wire, () => "[secret]"));
    expect(unmarked).toContain("gateway-release-apply");
    expect(finds(unmarked)).toEqual(nothing);
  });

  test("arguments and environments of the machine's processes while it is deployed", () => {
    expect(processes.split("\n").length).toBeGreaterThan(50);
    expect(processes).toContain("exit-up.sh");
    expect(processes).toContain(`${PLANTED}-argument`);
    expect(processes).toContain(`ENVIRONMENT=${PLANTED}-environment`);
    expect(found(processes)).toEqual(["planted"]);
  });

  test("the journal", async () => {
    const journal = () => lab.machine.must(["journalctl", "--no-pager", "-a", "-o", "export"], { timeout: 60_000 });
    const before = await journal();
    expect(before).toContain("wg0-up.sh");
    // The control's own start stands there.
    expect(found(before).filter((name) => name !== "planted")).toEqual([]);
    await onMachine({ lab }, `logger '${secrets["the gateway's private key"]}'; journalctl --sync`);
    expect(found(await journal())).toContain("the gateway's private key");
    await onMachine({ lab }, "journalctl --rotate; journalctl --vacuum-time=1s");
  });

  test("files of the machine: only where they belong, and nobody but root reads them", async () => {
    const search = async (what: readonly string[]) => {
      const script = `
import os, sys
secrets = [line.encode() for line in sys.stdin.read().splitlines()]
for folder, folders, names in os.walk("/"):
    folders[:] = [one for one in folders if f"{folder.rstrip('/')}/{one}" not in ("/proc", "/sys", "/dev", "/run/netns", "/usr/lib", "/usr/share", "/usr/bin")]
    for name in names:
        path = os.path.join(folder, name)
        if os.path.isfile(path) and not os.path.islink(path):
            with open(path, "rb") as file:
                text = file.read()
            if any(secret in text for secret in secrets):
                status = os.stat(path)
                print(f"{status.st_mode & 0o777:o} {status.st_uid} {path}")
`;
      const lines = await lab.machine.must(["python3", "-c", script], {
        input: what.join("\n"),
        timeout: 120_000,
      });
      return lines.split("\n").filter(Boolean).sort();
    };
    const { "the host key": hostKey, ...others } = secrets;
    const all = await search(Object.values(others));
    const places = [
      /^600 0 \/etc\/wireguard\/wg0\.conf$/,
      /^600 0 \/var\/lib\/wg-gateway\/release\.json$/,
      /^600 0 \/etc\/wg-gateway\/exits\/vpn\/(openvpn\.conf|credentials)$/,
      /^600 0 \/etc\/wg-gateway\/exits\/nl\/wireguard\.conf$/,
    ];
    expect(all.filter((line) => !places.some((place) => place.test(line)))).toEqual([]);
    for (const place of places) expect(all.filter((line) => place.test(line))).not.toEqual([]);
    // The machine's own key, and where cloud-init has it from: see docs/security.md, EC2's host key.
    const own = /^[46]00 0 \/(etc\/ssh\/ssh_host_ed25519_key$|(var\/lib\/cloud|run\/cloud-init)\/)/;
    const shown = await search([hostKey ?? ""]);
    expect(shown).toContain("600 0 /etc/ssh/ssh_host_ed25519_key");
    expect(shown.filter((line) => !own.test(line))).toEqual([]);
    // What is no key any more is nowhere.
    expect(await search([former.key])).toEqual([]);

    await onMachine({ lab }, `install -m 644 /dev/null /var/tmp/planted; echo 'x ${PLANTED} x' >/var/tmp/planted`);
    expect((await search(Object.values(others))).filter((line) => !all.includes(line))).toEqual([
      "644 0 /var/tmp/planted",
    ]);
    await onMachine({ lab }, "rm /var/tmp/planted");
  });

  test("files of whoever deploys: only in the lab's own, and nobody else reads them", () => {
    const search = (folder: string): string[] =>
      readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
        const path = join(folder, entry.name);
        // The providers' own, and the machine, which is looked at above.
        if (entry.isDirectory() && !/^(machines?|hosts|provider.*)$/.test(entry.name)) return search(path);
        if (!entry.isFile()) return [];
        return found(readFileSync(path, "latin1")).map(
          (name) => `${(statSync(path).mode & 0o777).toString(8)} ${name} ${path}`,
        );
      });
    const all = search(stateDir);
    expect(all.length).toBeGreaterThan(3);
    expect(all.filter((line) => !line.startsWith("600 "))).toEqual([]);
    mkdirSync(join(stateDir, "planted"));
    writeFileSync(join(stateDir, "planted", "file"), PLANTED, { mode: 0o644 });
    expect(search(stateDir).filter((line) => !line.startsWith("600 "))).toHaveLength(1);
  });
});
