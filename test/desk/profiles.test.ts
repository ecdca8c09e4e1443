import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import jsQR from "jsqr";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { describe, expect, it } from "vitest";
import { qrPicture } from "../../desk/picture";
import { renderProfile } from "../../gateway/render/profile";
import { gatewayOf } from "../gateway/gateways";
import { publicKey } from "../gateway/settingsFixtures";
import { LAPTOP_AND_PHONE, stackText, TestDesk, testFolder } from "./desks";

/** A profile as the gateway makes it. */
function profileOf(part: Record<string, unknown>): string {
  const raw = { name: "phone", address: "10.4.0.200", ...part };
  const { plan, secrets } = gatewayOf({ clients: [raw] });
  const [client] = plan.clients;
  const keys = secrets.clients.get(raw.name);
  if (!client || !keys) throw new Error("no client");
  return renderProfile({ plan, client, keys, serverPublicKey: publicKey(9), endpoint: "203.0.113.9:45822" });
}
const profile = profileOf({});

const plain = (picture: string): string => stripVTControlCharacters(picture);

/** Reads a picture off the terminal, as a telephone's camera does: each character is two squares, one above the other. */
function readPicture(picture: string): string | undefined {
  const dark: Readonly<Record<string, readonly number[]>> = { "█": [1, 1], "▀": [1, 0], "▄": [0, 1], " ": [0, 0] };
  const squares = plain(picture)
    .split("\n")
    .flatMap((row) => [0, 1].map((half) => [...row].map((cell) => dark[cell]?.[half] ?? 0)));
  const scale = 4;
  const width = (squares[0]?.length ?? 0) * scale;
  const pixels = squares.flatMap((row) => {
    const line = row.flatMap((square) => Array<number[]>(scale).fill(square ? [0, 0, 0, 255] : [255, 255, 255, 255]));
    return Array<number[]>(scale).fill(line.flat()).flat();
  });
  return jsQR(Uint8ClampedArray.from(pixels), width, squares.length * scale)?.data;
}

it("a picture is the profile, and fits onto a terminal of 80 columns", () => {
  const picture = qrPicture(profileOf({ name: "a".repeat(32), tunnel: "internal" }));
  expect(readPicture(picture)).toContain("AllowedIPs = 10.4.0.0/24");
  for (const line of plain(picture).split("\n")) expect(line.length).toBeLessThanOrEqual(80);
});

describe("show", () => {
  /** Answers as the CLI does when it is asked for what the commands need, in the right folder. */
  const cli = (profiles: unknown, output = "clientProfiles") => `
    const words = process.argv.slice(2).join(" ");
    const expected = "stack output ${output} --json --show-secrets --non-interactive --stack dev";
    if (words !== expected || !require("fs").existsSync("Pulumi.yaml")) { console.error("asked for " + words); process.exit(2); }
    process.stdout.write(${JSON.stringify(JSON.stringify(profiles))});`;
  const deployed = (profiles: Record<string, string> = { phone: profile }): TestDesk => {
    const desk = new TestDesk(stackText(LAPTOP_AND_PHONE));
    desk.installPulumi(cli(profiles));
    return desk;
  };

  it("prints the profile", async () => {
    expect(await deployed().run("show", "phone")).toEqual({ out: profile.trimEnd(), remarks: "", error: undefined });
  });

  it("prints that for a replica", async () => {
    const desk = new TestDesk(stackText(LAPTOP_AND_PHONE));
    desk.installPulumi(cli({ second: { phone: profile } }, "replicaProfiles"));
    expect((await desk.run("show", "phone", "--replica", "second")).out).toBe(profile.trimEnd());
    expect((await desk.run("show", "phone", "--replica", "third")).error).toContain("one of second");
  });

  it("draws it", async () => {
    expect(readPicture((await deployed().run("show", "phone", "--qr")).out)).toBe(profile);
  });

  it("writes it to a file of its own that nobody else reads, and never over another", async () => {
    const desk = deployed();
    const path = join(desk.dir, "phone.conf");
    const { out } = await desk.run("show", "phone", "--file", "phone.conf");
    expect(out).not.toContain("PrivateKey");
    expect(readFileSync(path, "utf8")).toBe(profile);
    expect(statSync(path).mode & 0o7777).toBe(0o600);
    writeFileSync(path, "precious");
    expect((await desk.run("show", "phone", "--file", "phone.conf")).error).toContain("which exists");
    expect(readFileSync(path, "utf8")).toBe("precious");
    expect((await desk.run("show", "phone", "--file", "no/phone.conf")).error).toContain("cannot be made");
  });

  it("says when the file has moved the client on", async () => {
    const desk = deployed();
    await desk.run("move", "phone", "--address", "10.4.0.9");
    expect((await desk.run("show", "phone")).remarks).toContain("gives phone another address");
  });

  it("has no picture of a profile that lacks its key", async () => {
    const desk = deployed();
    await desk.run("add", "tv", "--public-key", publicKey(3));
    expect((await desk.run("show", "tv", "--qr")).error).toContain("use --file tv.conf");
  });

  it.each([
    ["no CLI", undefined, "no pulumi on PATH", "install it"],
    [
      "a CLI that fails",
      "console.error('error: passphrase must be set'); process.exit(255)",
      "passphrase must be set",
      "pulumi up",
    ],
    ["a client that is not deployed", cli({ laptop: profile }), "not deployed", "pulumi up --stack dev"],
  ])("is refused with %s", async (_, script, problem, mend) => {
    const desk = new TestDesk(stackText(LAPTOP_AND_PHONE));
    if (script !== undefined) desk.installPulumi(script);
    const { out, error } = await desk.run("show", "phone");
    expect(out).toBe("");
    expect(error).toContain(problem);
    expect(error).toContain(mend);
  });

  it("knows only the file's clients", async () => {
    expect((await deployed().run("show", "fone")).error).toContain("did you mean phone?");
  });
});

describe("a profile's tunnel", () => {
  it.each([
    ["takes everything by default", {}, "0.0.0.0/0, ::/0"],
    ["takes everything when full", { tunnel: "full" }, "0.0.0.0/0, ::/0"],
    ["takes internal networks alone", { tunnel: "internal" }, "10.4.0.0/24, 10.0.0.0/16, 10.0.1.0/24, 10.0.2.0/24"],
  ])("%s", (_, part, allowed) => {
    const lines = profileOf(part).split("\n");
    expect(lines).toContain(`AllowedIPs = ${allowed}`);
    expect(lines).toContain("DNS = 10.4.0.1");
    expect(lines.filter((line) => !line.startsWith("AllowedIPs"))).toEqual(
      profile.split("\n").filter((line) => !line.startsWith("AllowedIPs")),
    );
  });
});

describe("the program", () => {
  const project = join(__dirname, "..", "..");
  const start = (folder: string, ...words: string[]) =>
    spawnSync(process.execPath, ["--import", "./desk/ready.mjs", "desk/main.ts", "client", ...words], {
      cwd: folder,
      encoding: "utf8",
    });

  it("ends with 1 and one message", () => {
    const { status, stderr, stdout } = start(project, "list", "--stack", "nowhere");
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toMatch(/^error: the stack is "nowhere".*\n {2}allowed: .*\n {2}mend: .*\n$/);
  });

  it("says what to do when its packages are missing", () => {
    const folder = testFolder();
    mkdirSync(join(folder, "desk"));
    for (const name of ["package.json", "desk/ready.mjs"]) copyFileSync(join(project, name), join(folder, name));
    const { status, stderr } = start(folder, "list");
    expect(status).toBe(1);
    expect(stderr).toMatch(/^error: node_modules is missing.*\n.*\n {2}mend: {4}run npm ci in the project's folder\n$/);
  });
});
