import { Lab } from "../lab";
import { clearWhenEnded } from "../process";
import { observe, type Outcome, wrongIn } from "./fault";
import { faults } from "./faults";
import { Scene } from "./scene";
import { table } from "./table";

/** The faults whose titles match, or all, each in turn, and a table of what was seen. The exit code: 0 when nothing is wrong. */
async function main(pattern = ""): Promise<number> {
  clearWhenEnded(() => Lab.clear());
  const outcomes: Outcome[] = [];
  const chosen = faults.filter(({ title }) => new RegExp(pattern).test(title));
  try {
    const scene = await Scene.open((what) => console.error(what));
    for (const fault of chosen) {
      console.error(fault.title);
      const outcome = await observe(fault, scene);
      outcomes.push(outcome);
      for (const line of wrongIn(outcome)) console.error(`  ${line}`);
    }
  } finally {
    await Lab.clear();
    console.log(table(outcomes));
  }
  return outcomes.every((outcome) => wrongIn(outcome).length === 0) ? 0 : 1;
}

main(process.argv[2]).then(
  (code) => (process.exitCode = code),
  (error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  },
);
