import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { replaceText } from "../../desk/stackFile";
import { LAPTOP_AND_PHONE, stackText, TestDesk } from "./desks";

const usual = stackText(LAPTOP_AND_PHONE);

describe("refused, and the file stays as it is", () => {
  const mode = 0o640;
  it.each([
    ["an unknown exit", usual, ["add", "tv", "--exit", "vpm"], '--exit is "vpm"', "direct, block, vpn", "mean vpn?"],
    [
      "an exit without addresses",
      usual,
      ["add", "tv", "--exit", "block"],
      "to which no rule",
      "direct, vpn",
      "add a rule",
    ],
    [
      "exit and address at once",
      usual,
      ["add", "tv", "--exit", "vpn", "--address", "10.4.0.9"],
      "--address",
      "",
      "--exit",
    ],
    ["a name that is none", usual, ["add", "Foo, bar: {"], 'clients[2].name is "Foo, bar: {"', "a-z", "another name"],
    ["a name taken", usual, ["add", "laptop"], "clients[2].name", "clients[0] has it", "its own"],
    ["an address taken", usual, ["add", "tv", "--address", "10.4.0.50"], "clients[2].address", "clients[0] has", "own"],
    [
      "an address elsewhere",
      usual,
      ["add", "tv", "--address", "10.5.0.1"],
      "clients[2].address",
      "10.4.0.0/24",
      "inside",
    ],
    ["a key that is none", usual, ["add", "tv", "--public-key", "x"], "clients[2].publicKey", "44", "wg pubkey"],
    ["an unknown client", usual, ["remove", "phon"], 'NAME is "phon"', "laptop, phone", "did you mean phone?"],
    ["a client nobody is like", usual, ["rotate", "television"], "no such client", "laptop, phone", "`list`"],
    ["a move to nowhere", usual, ["move", "phone"], "where to move phone is missing", "--exit EXIT", "one of the two"],
    [
      "a move to where it is",
      usual,
      ["move", "phone", "--exit", "vpn"],
      "10.4.0.200, exit vpn, already",
      "another",
      "list",
    ],
    ["a move onto another", usual, ["move", "phone", "--address", "10.4.0.50"], "clients[1].address", "[0]", "own"],
    ["an unknown stack", usual, ["list", "--stack", "devel"], 'stack is "devel"', "dev", "--stack dev?"],
    ["a stack that is a path", usual, ["list", "--stack", "../../dev/../dev"], "stack is", "dev", "--stack"],
    ["settings with a fault", usual.replace("198.51.100.23/32", "0.0.0.0/0"), ["add", "tv"], "sshFrom", "", "mend"],
    [
      "a profile that is missing",
      usual.replace("vpn.ovpn", "no.ovpn"),
      ["add", "tv"],
      "exits[0].profile",
      "file",
      "mend",
    ],
    ["a file that is no YAML", `${usual}config: {}\n`, ["add", "tv"], "cannot be read", "each key once", "by hand"],
    [
      "clients as JSON in a text",
      stackText(`  clients: '[{"name":"a","address":"10.4.0.2"}]'\n`),
      ["add", "tv"],
      "no list",
      "list of maps",
      "by hand",
    ],
    [
      "clients by reference",
      usual.replace("clients:", "clients: &all").concat("more: *all\n"),
      ["add", "tv"],
      "changed safely",
      "without anchors",
      "by hand",
    ],
    [
      "an encrypted setting",
      stackText("  wg-gateway:dns:\n    secure: v1:x\n"),
      ["add", "tv"],
      "dns of Pulumi.dev.yaml is encrypted",
      "credentials",
      "clear",
    ],
    [
      "a full exit",
      stackText(
        "  wg-gateway:wireguard: { subnet: 10.4.0.0/29 }\n  wg-gateway:rules: [{ from: 10.4.0.5, exit: vpn }]\n  wg-gateway:clients: [{ name: a, address: 10.4.0.5 }]\n",
      ),
      ["add", "tv", "--exit", "vpn"],
      "no free address",
      "no client",
      "remove a client",
    ],
  ])("%s", async (_, text, words, problem, allowed, mend) => {
    const desk = new TestDesk(text);
    chmodSync(desk.file, mode);
    const { mtimeMs, ino } = statSync(desk.file);
    const files = readdirSync(desk.dir);
    const { error } = await desk.run(...words);
    for (const part of [problem, allowed, mend]) expect(error).toContain(part);
    expect(desk.text).toBe(text);
    expect(statSync(desk.file)).toMatchObject({ mtimeMs, ino });
    expect(readdirSync(desk.dir)).toEqual(files);
  });
});

describe("the file", () => {
  it("keeps its mode, and nothing lies beside it", async () => {
    const desk = new TestDesk(usual);
    chmodSync(desk.file, 0o640);
    const files = readdirSync(desk.dir);
    await desk.run("add", "tv");
    expect(statSync(desk.file).mode & 0o7777).toBe(0o640);
    expect(readdirSync(desk.dir)).toEqual(files);
  });

  it("stays a link", () => {
    const desk = new TestDesk(usual);
    mkdirSync(join(desk.dir, "elsewhere"));
    const target = join(desk.dir, "elsewhere", "stack.yaml");
    writeFileSync(target, "old");
    symlinkSync(target, join(desk.dir, "link.yaml"));
    replaceText(join(desk.dir, "link.yaml"), "old", "new");
    expect(readFileSync(target, "utf8")).toBe("new");
    expect(readdirSync(join(desk.dir, "elsewhere"))).toEqual(["stack.yaml"]);
  });

  it("is not overwritten when somebody else wrote it meanwhile", () => {
    const desk = new TestDesk("theirs");
    const files = readdirSync(desk.dir);
    expect(() => replaceText(desk.file, "ours", "new")).toThrow("another program");
    expect(desk.text).toBe("theirs");
    expect(readdirSync(desk.dir)).toEqual(files);
  });

  it("is that of --stack, else of PULUMI_STACK, else of dev", async () => {
    const desk = new TestDesk(usual);
    writeFileSync(join(desk.dir, "Pulumi.home.yaml"), stackText("  clients: [{ name: tv, address: 10.4.0.2 }]\n"));
    expect((await desk.run("list")).out).toContain("laptop");
    expect((await desk.run("list", "--stack", "someone/wg-gateway/home")).out).toContain("tv");
    desk.env["PULUMI_STACK"] = "home";
    expect((await desk.run("list")).out).toContain("tv");
    expect((await desk.run("list", "--stack", "dev")).out).toContain("laptop");
  });

  it("may have all credentials in one encrypted value", async () => {
    const desk = new TestDesk(usual.replace(/ {4}vpn:\n[^]*AAAA/, "    secure: v1:AAAA"));
    expect((await desk.run("add", "tv")).error).toBeUndefined();
  });
});
