import { describe, expect, it, test } from "vitest";
import { python } from "./python";

/** What is known of an exit when a deployment waits: see `exits` below. */
interface Known {
  /** Whether the release has other files of it than the one before. */
  readonly changed?: boolean;
  /** What the watch daemon saw last, and since when; the deployment began at 100. */
  readonly seen?: ["well" | "ill", number];
  /** Since when its unit is active; null where it is not. */
  readonly active?: number | null;
  /** Whether systemd has still to start or restart it. */
  readonly job?: boolean;
  /** From which second of the waiting on it answers; null for never. */
  readonly answers?: number | null;
}

interface Outcome {
  readonly warnings: string[];
  readonly said: string[];
  /** For how long it waited. */
  readonly seconds: number;
  /** Exits that were asked through their tunnels. */
  readonly asked: string[];
}

/** readiness.wait() with exits as given, and a clock that sleep() moves on. */
const PROGRAM = `
import types, readiness
clock, said, asked = [100.0], [], set()
readiness.time = types.SimpleNamespace(monotonic=lambda: clock[0], sleep=lambda seconds: clock.__setitem__(0, clock[0] + seconds))
readiness.say, readiness.heard = said.append, lambda: data["heard"]
readiness.recorded = lambda name: data["exits"][name].get("seen")
readiness.tunnel_is_up = lambda name: True
readiness.variables = lambda name: {"HOST_ADDRESS": name, "LOG": f"/var/log/{name}.log"}
readiness.read = lambda path: "AUTH_FAILED\\n"
def states(names):
    known = {readiness.units.exit_unit(name): one for name, one in data["exits"].items()}
    def state(one):
        active = one.get("active", 50)
        shown = {"ActiveState": "activating" if active is None else "active", "ActiveEnterTimestampMonotonic": int((active or 0) * 1e6)}
        return {**shown, "Job": "7"} if one.get("job") else shown
    return {name: state(known.get(name, {})) for name in names}
def ask(whom, what, seconds):
    asked.update(source for source, server, port in whom.values() if source)
    answered = {title: b"" for title, (name, *_) in whom.items() for at in [data["exits"][name].get("answers", 0)] if at is not None and clock[0] - 100 >= at}
    clock[0] += 0 if len(answered) == len(whom) else seconds
    return answered
readiness.systemd.states, readiness.questions.ask = states, ask
def release(version):
    files = {f"/etc/wg-gateway/exits/{name}/openvpn.conf": version if one.get("changed") else "" for name, one in data["exits"].items()}
    files["/etc/wg-gateway/selectors.json"] = '{"upstreams": ["192.0.2.1", "192.0.2.2"]}'
    files["/etc/wg-gateway/resolvers/direct.conf"] = "port=5353\\nlisten-address=10.4.0.1\\n"
    return types.SimpleNamespace(files=files, exits=sorted(data["exits"]))
warnings = readiness.wait(release("old"), release("new"), 100)
result = {"warnings": warnings, "said": said, "seconds": round(clock[0] - 100, 1), "asked": sorted(asked)}
`;
const wait = (exits: Record<string, Known>, heard = true): Outcome => python(PROGRAM, { exits, heard });

describe("an exit after a deployment", () => {
  it.each<[string, Known, Partial<Outcome>]>([
    ["that was left alone and healthy is not asked", { seen: ["well", 10] }, { asked: [], seconds: 0, warnings: [] }],
    [
      "that was left alone and unhealthy is not asked, and told",
      { seen: ["ill", 10], answers: null },
      { asked: [], seconds: 0, said: [], warnings: ["vpn"] },
    ],
    [
      "that was unhealthy before and restarts by itself is not waited for",
      { seen: ["ill", 10], active: 101, answers: null },
      { asked: [], seconds: 0, warnings: ["vpn"] },
    ],
    [
      "that changed and answers at once: no line",
      { changed: true },
      { asked: ["vpn"], seconds: 0, said: [], warnings: [] },
    ],
    [
      "that changed, whatever was known of it before",
      { changed: true, seen: ["ill", 10] },
      { asked: ["vpn"], warnings: [] },
    ],
    ["that changed, and was healthy", { changed: true, seen: ["well", 10], answers: null }, { warnings: ["vpn"] }],
    ["that began anew", { seen: ["well", 10], active: 101, answers: null }, { asked: ["vpn"], warnings: ["vpn"] }],
    ["that nobody knows", { answers: null }, { asked: ["vpn"], warnings: ["vpn"] }],
    ["that became unhealthy meanwhile", { seen: ["ill", 101], answers: null }, { asked: ["vpn"], warnings: ["vpn"] }],
    [
      "that comes up later is waited for as long as that takes",
      { changed: true, answers: 5 },
      {
        seconds: 5.1,
        said: ["waiting for exit vpn to be healthy, 20 s at most", "healthy after 5.1 s"],
        warnings: [],
      },
    ],
    [
      "that does not is waited for 20 s",
      { changed: true, answers: null },
      { seconds: 20.2, said: ["waiting for exit vpn to be healthy, 20 s at most"], warnings: ["vpn"] },
    ],
    // The tunnel that is to end would answer.
    ["whose restart is not done is not asked", { changed: true, job: true }, { asked: [], warnings: ["vpn"] }],
    ["whose unit does not run is not asked", { changed: true, active: null }, { asked: [], warnings: ["vpn"] }],
  ])("%s", (_, known, expected) => {
    const { warnings, ...others } = wait({ vpn: known });
    const names = warnings.map((line) => /^warning: exit (\S+) is not healthy: /.exec(line)?.[1]);
    expect({ ...others, warnings: names }).toMatchObject(expected);
  });
});

test("several exits are waited for together, and each that is not healthy has a line", () => {
  const { warnings, said, seconds } = wait({
    a: { changed: true, answers: 3 },
    b: { changed: true, answers: null },
    c: { seen: ["ill", 10] },
    d: { seen: ["well", 10] },
    e: { changed: true, answers: null },
  });
  expect(warnings.map((line) => line.split(" ")[2])).toEqual(["c", "b", "e"]);
  expect(said).toEqual(["waiting for exit a, exit b, exit e to be healthy, 20 s at most"]);
  expect(seconds).toBeLessThan(22);
});

test("a warning says the last error, what to do, and where the log is", () => {
  expect(wait({ vpn: { seen: ["ill", 10] } }).warnings).toEqual([
    "warning: exit vpn is not healthy: last error: AUTH_FAILED; the provider refuses the login: set credentials.vpn.username and credentials.vpn.password, and deploy again (log: /var/log/vpn.log)",
  ]);
});

test("nobody is kept waiting who does not listen any more", () => {
  expect(wait({ vpn: { changed: true, answers: null } }, false).seconds).toBe(0);
});
