import { describe, expect, it } from "vitest";
import { python } from "./python";
import { MODEL, releases } from "./releases";

/** [from, to], of the releases; null is a machine without one. */
const WAYS: [number | null, number][] = [
  [null, 0],
  [0, 1],
  [1, 0],
  [1, 2],
];

/**
 * A model of the machine (modelMachine.py) shows every step; that the real one does so, too, for some of them, is in
 * test/lab/changes.test.ts. For each way and each step: the machine is set up at `from`, and `to` is ended there. `then` says what comes after, and where it
 * must lead. The result: how many were tried, and what was not as it must be.
 */
const program = (then: string) => `${MODEL}
texts, tried, wrong = data["releases"], 0, []
ideal = {index: fresh(None if index is None else texts[index]) for index in (None, 0, 1, 2)}
ideal = {index: [dict(part) if isinstance(part, dict) else part for part in one] for index, one in ideal.items()}
def expect(index, what):
    different = differences(ideal[index], shot())
    if different:
        wrong.append([what, sorted(different)[:6]])
for begin_at, goal in data["ways"]:
    old, new = None if begin_at is None else texts[begin_at], texts[goal]
    fresh(old)
    attempt(new, "count")
    steps_of = m.done
    for at in range(1, steps_of + 1):
        fresh(old)
        what = f"{begin_at} to {goal}, step {at} of {steps_of}"
${then.replace(/^/gm, "        ")}
        tried += 1
os.fchdir(home)
os.chroot(".")
shutil.rmtree(root)
result = [tried, wrong]
`;
const outcome = (then: string) => python<[number, unknown[]]>(program(then), { releases, ways: WAYS });

describe("a deployment that ends at any of its steps leaves the old or the new state:", () => {
  it.each([
    [
      "killed, the next repair goes back",
      `assert attempt(new, "kill", at) == "killed"\nrepair()\nexpect(begin_at, what)`,
    ],
    ["killed, the same again goes on", `assert attempt(new, "kill", at) == "killed"\nattempt(new)\nexpect(goal, what)`],
    [
      "killed, and so is the repair, at some of each one's steps",
      `for second in range(1 + at % 4, steps_of, 4) if at % 5 == 1 and begin_at == 0 else ():
    fresh(old)
    attempt(new, "kill", at)
    m.done, m.how, m.at = 0, "kill", second
    try:
        repair()
    except Killed:
        pass
    m.how = None
    repair()
    expect(begin_at, f"{what}, and {second}")`,
    ],
    [
      "killed, and another release is deployed",
      `attempt(new, "kill", at)\nother = (goal + 1) % 3\nattempt(texts[other])\nexpect(other, what)`,
    ],
    ["a step fails: back by itself", `attempt(new, "fail", at)\nexpect(begin_at, what)`],
    [
      "the disk is full from there on: back by itself",
      `how = attempt(new, "full", at)\nexpect(goal if how == "done" else begin_at, what)`,
    ],
  ])(
    "%s",
    (_, then) => {
      const [tried, wrong] = outcome(then);
      expect(wrong.slice(0, 12)).toEqual([]);
      expect(tried).toBeGreaterThan(100);
    },
    120_000,
  );
});
