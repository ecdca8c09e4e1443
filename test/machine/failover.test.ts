import { describe, expect, it } from "vitest";
import { python } from "./python";

/** What is known of an exit: seconds for which it has been well, ill, or not asked often enough yet. */
type Known = number | "ill" | "?";
type Row = readonly [name: string, now: string | null, health: Record<string, Known>, then: string];

/** The member that a group of a, b and c, which goes back after 30 seconds, goes to. */
function table(name: string, rows: readonly Row[]): void {
  const found = python<string[]>(
    `
import types, watch
result = []
for now, health in data:
    watch.selected = {"group-any": now}.get
    known = {name: types.SimpleNamespace(well={"ill": False, "?": None}.get(one, True), well_for=lambda one=one: one if isinstance(one, (int, float)) else 0) for name, one in health.items()}
    result.append(watch.member({"name": "group-any", "members": ["a", "b", "c"], "backAfter": 30}, known))
`,
    rows.map(([, now, health]) => [now, health]),
  );
  describe(name, () => {
    it.each(rows.map(([title, , , then], index) => [title, then, found[index]]))("%s", (_, then, is) => {
      expect(is).toBe(then);
    });
  });
}

table("a group that is on no member", [
  ["goes to the first that is well", null, { a: 1, b: 99, c: 99 }, "a"],
  ["passes over who is ill", null, { a: "ill", b: 0, c: 99 }, "b"],
  ["passes over who is not known yet", null, { a: "?", b: 0, c: 99 }, "b"],
  ["is blocked while none is known", null, { a: "?", b: "?", c: "?" }, "none"],
  ["is blocked while all are ill", null, { a: "ill", b: "ill", c: "ill" }, "none"],
  ["stays blocked while all are ill", "none", { a: "ill", b: "ill", c: "ill" }, "none"],
  ["goes at once to the first that gets well", "none", { a: "ill", b: "ill", c: 0 }, "c"],
  ["goes to the first that is well from one that is none of its members any more", "gone", { a: 0, b: 99, c: 99 }, "a"],
  ["and from an exit that has left the group and is well", "d", { a: 0, b: "ill", c: 99, d: 99 }, "a"],
  ["and is blocked when all that are left are ill", "d", { a: "ill", b: "ill", c: "ill", d: 99 }, "none"],
]);

table("a group that is on a member", [
  ["stays on the first while that is well", "a", { a: 0, b: 99, c: 99 }, "a"],
  ["stays on the first while nothing is known", "a", { a: "?", b: "?", c: "?" }, "a"],
  ["stays on the second while nothing is known", "b", { a: "?", b: "?", c: "?" }, "b"],
  ["stays on one that is not known yet, though a later one is well", "b", { a: "ill", b: "?", c: 99 }, "b"],
  [
    "stays on one that is not known yet until an earlier one has been well for long enough",
    "b",
    { a: 29, b: "?", c: 99 },
    "b",
  ],
  ["goes on when it is ill", "a", { a: "ill", b: 0, c: 99 }, "b"],
  ["goes on past others that are ill", "a", { a: "ill", b: "ill", c: 0 }, "c"],
  ["is blocked when all are ill", "b", { a: "ill", b: "ill", c: "ill" }, "none"],
  ["goes back at once from one that is ill", "b", { a: 0, b: "ill", c: 99 }, "a"],
  ["goes back from the last to the first", "c", { a: 30, b: 99, c: 99 }, "a"],
  ["goes back to the second when that has been well for longer", "c", { a: 29, b: 30, c: 99 }, "b"],
  ["waits before it goes back", "b", { a: 29.9, b: 99, c: 99 }, "b"],
  ["goes back", "b", { a: 30, b: 99, c: 99 }, "a"],
  ["does not go to a later one, however long that has been well", "a", { a: 1, b: 999, c: 999 }, "a"],
]);

/** A run of the daemon, a pass each 2 seconds. */
interface Run {
  /** Whether an exit answers in each pass: + or -. */
  readonly exits: Record<string, string>;
  readonly backAfter: number;
  /** What the group was on when the daemon began. */
  readonly start?: string;
  /** Passes in which the rules cannot be loaded: x. */
  readonly loads?: string;
  /** Passes in which the gateway is open: o. Default all. */
  readonly open?: string;
  /** Whether a window is open in each pass: o. */
  readonly window?: string;
  /** What a daemon before this one saw of exits: its word, since when and when last asked, in seconds; it began at 0. */
  readonly before?: Record<string, string>;
  /** What a daemon before this one selected and did not load. */
  readonly unloaded?: readonly string[];
  /** Passes in which /run is full: f. */
  readonly full?: string;
}
interface Seen {
  /** The member whose rules are loaded, a letter for each pass; - for none and for nothing. */
  readonly member: string;
  /** o when the window's open variant is what is loaded. */
  readonly window: string;
  /** What status says of each exit in the end. */
  readonly health: Record<string, string | null>;
  /** Passes in which an exit was started anew. */
  readonly restarts: number[];
  /** Networks whose connections were cut, by pass. */
  readonly cuts: Record<string, string[]>;
  readonly said: string[];
  /** What is still to be loaded in the end. */
  readonly unloaded: string[];
}

/** Those of the group's clients. */
const ofGroup = ["10.4.0.50/32", "10.4.0.70/32"];

/** The daemon itself, with the world around it replaced: answers, clock, rules, systemd. */
const run = (what: Run): Seen =>
  python<Seen>(
    `
import os, tempfile, types
import health, machine, metrics, selection, watch

root = tempfile.TemporaryDirectory()
RUN = root.name
watch.RUN, health.HEALTH, selection.SELECTED, selection.UNLOADED, selection.CONFIG = RUN, RUN + "/health", RUN + "/selected", RUN + "/unloaded", RUN
exits = sorted(data["exits"])
passes = len(data["exits"][exits[0]])
result = {"member": "", "window": "", "restarts": [], "cuts": {}, "said": []}
loaded = {}
now = 0

machine.write(RUN + "/selectors.json", json.dumps({
    "windows": [{"name": "window-1", "sources": ["10.4.0.9"]}],
    "groups": [{"name": "group-any", "members": exits, "backAfter": data["backAfter"], "sources": ["10.4.0.50-10.4.0.59", "10.4.0.70"]}],
    "exits": exits,
    "upstreams": ["192.0.2.1"],
}), 0o644)
machine.write(RUN + "/clients", "10.4.0.9 a x\\n10.4.0.50 b x\\n10.4.0.60 c x\\n10.4.0.70 d x\\n", 0o644)

def load():
    loaded.update({name: machine.read(f"{selection.SELECTED}/{name}") for name in ("group-any", "window-1")})

def script(name, *arguments):
    assert (name, arguments) == ("firewall.sh", ("reload",))
    if data.get("loads", "")[now:now + 1] == "x":
        raise machine.Fault("there is no default route")
    load()

def command(*words, check=True):
    assert words[:3] == ("conntrack", "-D", "-s"), words
    result["cuts"].setdefault(str(now), [])
    if words[3] not in result["cuts"][str(now)]:
        result["cuts"][str(now)].append(words[3])

def sleep(seconds):
    global now
    result["member"] += (loaded.get("group-any") or "-").strip().replace("none", "-")
    result["window"] += "o" if loaded.get("window-1") == "open\\n" else "-"
    now += 1
    if now == passes:
        raise EOFError
    opened()

def opened():
    if data.get("open", "o" * passes)[now] == "o":
        machine.write(RUN + "/open", "", 0o644)
    elif os.path.exists(RUN + "/open"):
        os.unlink(RUN + "/open")

write = machine.write
def write_where_there_is_room(path, content, mode):
    if data.get("full", "")[now:now + 1] == "f":
        raise OSError(28, "No space left on device", path.replace(RUN, "/run"))
    write(path, content, mode)

health.write = selection.write = write_where_there_is_room
selection.script, selection.run = script, command
health.variables = lambda name: {"HOST_ADDRESS": name}
watch.ask = lambda whom, *_: {name for name in whom if data["exits"][name][now] == "+"}
metrics.keep = lambda: None
watch.windows_now = lambda: {"window-1": "open" if data.get("window", "")[now:now + 1] == "o" else "closed"}
watch.say = result["said"].append
watch.subprocess = types.SimpleNamespace(run=lambda words, check: result["restarts"].append(now))
watch.time = health.time = types.SimpleNamespace(monotonic=lambda: 2 * now, time=lambda: 0, sleep=sleep)
watch.notify = lambda text: None

selection.select({"window-1": "closed", "group-any": data.get("start", "none")})
load()
for name in selection.unloaded():
    machine.remove(f"{selection.UNLOADED}/{name}")
opened()
for name, seen in data.get("before", {}).items():
    machine.write(f"{health.HEALTH}/{name}", seen, 0o644)
for name in data.get("unloaded", []):
    machine.write(f"{selection.UNLOADED}/{name}", "", 0o644)
try:
    watch.watch()
except EOFError:
    pass
result["unloaded"] = sorted(selection.unloaded())
result["health"] = {name: (health.recorded(name) or [None])[0] for name in exits}
`,
    what,
  );

describe("the daemon", () => {
  it.each<[string, Run, string]>([
    ["begins with the first that answers", { exits: { a: "--++", b: "++++" }, backAfter: 2 }, "bbba"],
    ["is blocked until one does", { exits: { a: "-----+", b: "------" }, backAfter: 0 }, "-----a"],
    ["bears two questions without an answer", { exits: { a: "++--+--+", b: "++++++++" }, backAfter: 0 }, "aaaaaaaa"],
    ["moves at the third", { exits: { a: "++---", b: "+++++" }, backAfter: 0 }, "aaaab"],
    ["has nowhere to go when both are ill", { exits: { a: "+----", b: "-----" }, backAfter: 0 }, "aaa--"],
    ["returns at once when it was nowhere", { exits: { a: "+---+", b: "-----" }, backAfter: 30 }, "aaa-a"],
    ["returns to the first after a while", { exits: { a: "+---+++++", b: "+++++++++" }, backAfter: 6 }, "aaabbbbaa"],
    [
      "waits anew when the first was ill again",
      { exits: { a: "+---++---+++++", b: "++++++++++++++" }, backAfter: 6 },
      "aaabbbbbbbbbaa",
    ],
    ["stays after a start where it was", { exits: { a: "++++", b: "++++" }, backAfter: 6, start: "b" }, "bbba"],
    [
      "stays after a start though the first answer is lost",
      { exits: { a: "-++", b: "+++" }, backAfter: 9, start: "a" },
      "aaa",
    ],
    ["leaves after a start one that is ill", { exits: { a: "----", b: "++++" }, backAfter: 9, start: "a" }, "aabb"],
    ["leaves an exit that is no member any more", { exits: { a: "++", b: "++" }, backAfter: 9, start: "z" }, "aa"],
    [
      "tries again when the rules could not be loaded",
      { exits: { a: "+++++++", b: "+++++++" }, backAfter: 0, loads: "xxx-" },
      "---aaaa",
    ],
    ["does nothing while the gateway is shut", { exits: { a: "++++", b: "++++" }, backAfter: 0, open: "--oo" }, "--aa"],
  ])("%s", (_, what, members) => {
    expect(run(what).member).toBe(members);
  });

  const well = { exits: { a: "++++++" }, backAfter: 0 };

  it("opens and closes a window, and cuts those whom it concerns", () => {
    const { window, cuts } = run({ ...well, start: "a", window: "-oo--o" });
    expect(window).toBe("-oo--o");
    expect(cuts).toEqual({ 1: ["10.4.0.9/32"], 3: ["10.4.0.9/32"], 5: ["10.4.0.9/32"] });
  });

  it("closes a window as soon as it can when the rules could not be loaded, and cuts then", () => {
    const { window, cuts, said } = run({ ...well, start: "a", window: "oo----", loads: "--xx--" });
    expect(window).toBe("oooo--");
    expect(cuts).toEqual({ 0: ["10.4.0.9/32"], 4: ["10.4.0.9/32"] });
    expect(said.filter((line) => line.includes("there is no default route\n"))).toHaveLength(2);
  });

  it("cuts the clients of a group that moves, and no others", () => {
    const { cuts } = run({ exits: { a: "+---", b: "++++" }, backAfter: 0 });
    expect(cuts).toEqual({ 0: ofGroup, 3: ofGroup });
  });

  it("says of each exit whether it is well, and nothing before it knows", () => {
    expect(run({ exits: { a: "+++", b: "---", c: "++-" }, backAfter: 0 }).health).toEqual({
      a: "well",
      b: "ill",
      c: "well",
    });
    expect(run({ exits: { a: "--", b: "+-" }, backAfter: 0 }).health).toEqual({ a: null, b: "well" });
  });

  it("says why an exit is what it is, why a group moves, and why an exit is restarted", () => {
    const said = (what: Run) =>
      run(what).said.map((line) => line.replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, "TIME"));
    expect(said({ exits: { a: "+---" }, backAfter: 0 })).toEqual([
      "exit a is healthy: 192.0.2.1 answers through its tunnel",
      "group-any: none -> a: exit a is the first that is healthy",
      "exit a is unhealthy: no answer through its tunnel since TIME, to 3 queries in a row, from 192.0.2.1",
      "group-any: a -> none: no member is healthy",
    ]);
    expect(said({ exits: { a: "+---++++", b: "++++++++" }, backAfter: 4 }).slice(3)).toEqual([
      "exit a is unhealthy: no answer through its tunnel since TIME, to 3 queries in a row, from 192.0.2.1",
      "group-any: a -> b: exit a is unhealthy: no answer through its tunnel since TIME, to 3 queries in a row, from 192.0.2.1",
      "exit a is healthy: 192.0.2.1 answers through its tunnel",
      "group-any: b -> a: exit a comes first, and has been healthy for 4 s",
    ]);
    expect(said({ exits: { a: "-".repeat(13) }, backAfter: 0 }).at(-1)).toBe(
      "exit a: no answer through its tunnel since TIME, to 12 queries in a row, from 192.0.2.1: restarting its tunnel",
    );
    expect(said({ exits: { a: "++" }, backAfter: 0, start: "a", window: "-o" }).at(-1)).toBe(
      "window-1: closed -> open: by its hours",
    );
  });

  it.each<[string, Record<string, string>, string]>([
    ["a minute ago", { a: "well -60 -2" }, "aaaa"],
    ["just now", { a: "well -2 -2" }, "bbaa"],
    ["when it was ill", { a: "ill -60 -2" }, "bbba"],
    ["too long ago to be sure that it stayed so", { a: "well -99 -31" }, "bbba"],
    ["nothing", {}, "bbba"],
  ])(
    "goes back after `backAfter`, counted from when a daemon before it saw the exit get well: %s",
    (_, before, member) => {
      expect(run({ exits: { a: "++++", b: "++++" }, backAfter: 6, start: "b", before }).member).toBe(member);
    },
  );

  it("lives on where /run is full: it says so once, and does afterwards what it could not", () => {
    const { member, said, health } = run({ exits: { a: "+-----+", b: "+++++++" }, backAfter: 60, full: "---ff--" });
    expect(member).toBe("aaaaabb");
    expect(health).toEqual({ a: "well", b: "well" });
    const full = (what: string): unknown =>
      expect.stringMatching(new RegExp(`^${what}: \\[Errno 28\\] No space left on device: '/run/`));
    expect(said.filter((line) => line.includes("No space left"))).toEqual([
      full("the status does not know how exit a is"),
      full("the status does not know how exit b is"),
      full("windows and groups stay as they are"),
    ]);
  });

  it("loads what another one selected before it was ended, and cuts whom that concerns; once", () => {
    const exits = { a: "++++", b: "++++" };
    expect(run({ exits, backAfter: 0, start: "a", unloaded: ["group-any"], loads: "x---" })).toMatchObject({
      member: "aaaa",
      cuts: { 1: ofGroup },
      unloaded: [],
    });
    expect(run({ exits, backAfter: 0, start: "a" }).cuts).toEqual({});
  });

  it("starts an exit anew that does not answer for a minute", () => {
    expect(run({ exits: { a: `+${"-".repeat(65)}` }, backAfter: 0 }).restarts).toEqual([12, 24, 36, 48, 60]);
  });
});
