// Imported into a process that is measured: writes its most memory, MB, to the file of WG_GATEWAY_LAB_PEAK when it ends.
import { appendFileSync } from "node:fs";
import process from "node:process";

const file = process.env.WG_GATEWAY_LAB_PEAK;
process.on("exit", () => appendFileSync(file, `${process.resourceUsage().maxRSS / 1000}\n`));
