import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const userdata = join(__dirname, "../../userdata");

/** Rules as our files have them, of every kind that we make. */
const RULES = [
  "priority 99 from all fwmark 0xfc00/0xff00 iif wg9 lookup main protocol 45",
  "priority 200 from all fwmark 0x200/0xff00 lookup 200 protocol 45",
  "priority 455 from all to 203.0.113.2 ipproto udp dport 51822 lookup main protocol 45",
  "priority 456 from all to 203.0.113.2 lookup 123 protocol 45",
];
/** Of which none is. */
const OTHERS = [
  "priority 200 from all fwmark 0x200/0xff00 lookup 201 protocol 45",
  "priority 456 from all to 203.0.113.2 lookup main protocol 45",
];
/** Names for the tables and the protocol, as somebody may give them. */
const NAMES = `echo '123 tunnel
200 vpn' >/etc/iproute2/rt_tables.d/names.conf; echo '45 ours' >/etc/iproute2/rt_protos.d/names.conf`;

/** What a shell text prints where these rules stand, in a network of its own, with or without names for their tables and protocol. */
function withRules(names: boolean, script: string): string {
  const files =
    "mount -t tmpfs names /etc/iproute2; mkdir /etc/iproute2/rt_tables.d /etc/iproute2/rt_protos.d; export PYTHONDONTWRITEBYTECODE=1";
  const add = RULES.map((rule) => `ip rule add ${rule}`).join("\n");
  const text = `${files}\n${add}\n${names ? NAMES : ""}\n${script}`;
  const { status, stdout, stderr } = spawnSync("unshare", ["--net", "--mount", "bash", "-euc", text], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"], // no socket: bash would read its bashrc
  });
  expect(`${status} ${stderr}`).toBe("0 ");
  return stdout;
}

const python = (program: string) => `python3 -c 'import sys
sys.path[:0] = ["${userdata}/gatewayctl", "${userdata}/shared"]
import iprules
${program}'`;

describe.each([false, true])("ip rules, whose tables and protocol have names: %s", (names) => {
  it("are shown as people see them", () => {
    expect(withRules(names, "ip rule show").includes("lookup tunnel proto ours")).toBe(names);
  });

  it("are found as our files have them", () => {
    const shown = withRules(names, python('print("\\n".join(iprules.shown_rules()))')).split("\n");
    expect(shown).toEqual(expect.arrayContaining(RULES));
    for (const other of OTHERS) expect(shown).not.toContain(other);
  });

  it("are added when they are not there, and deleted when they are", () => {
    const program = python(
      `rules = ${JSON.stringify([...RULES, ...OTHERS])}\niprules.add_rules(rules)\niprules.delete_rules(rules)`,
    );
    expect(withRules(names, `${program}\nip rule show | wc -l`).trim()).toBe("3");
  });

  it("are found by the scripts", () => {
    const asked = [...RULES.filter((rule) => !rule.includes("ipproto")), ...OTHERS];
    const script = `. ${userdata}/scripts/common.sh\n${asked.map((rule) => `rule_exists ${rule} && echo yes || echo no`).join("\n")}`;
    expect(withRules(names, script).trim().split("\n")).toEqual(["yes", "yes", "yes", "no", "no"]);
  });
});
