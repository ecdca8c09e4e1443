import { Lab } from "../lab";
import { controls, faults } from "./faults";
import { wrongIn, observe, type Outcome } from "./fault";
import { Scene } from "./scene";
import { table } from "./table";

/** `npm run leaks -- [REGULAR EXPRESSION OF TITLES]`: every fault, or some, and what was seen of each as a table. */
async function main(part = ""): Promise<void> {
  const outcomes: Outcome[] = [];
  try {
    const scene = await Scene.open((what) => console.error(what));
    for (const fault of [...controls, ...faults].filter(({ title }) => new RegExp(part).test(title))) {
      console.error(fault.title);
      outcomes.push(await observe(fault, scene));
      console.error(
        wrongIn(outcomes[outcomes.length - 1]!).join("\n"),
        JSON.stringify(
          outcomes[outcomes.length - 1]!.leaked.filter(({ kind }) => kind === "other")
            .slice(0, 6)
            .map(({ text }) => text),
        ),
      );
    }
  } finally {
    await Lab.clear();
    console.log(table(outcomes));
  }
}
main(process.argv[2]).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
