import type { Scenario } from "../flows";
import type { Lab } from "../lab";
import type { Figure } from "./figure";

export interface Bench {
  /** How often each side is measured. */
  readonly rounds: number;
  /** Seconds that one measurement of a flow lasts. */
  readonly seconds: number;
  /** Told what is being done. */
  readonly say: (what: string) => void;
}

interface Common {
  /** The name of its file in docs/benchmarks. */
  readonly name: string;
  readonly title: string;
  /** What the gateway is compared with. */
  readonly against?: string;
}

/** A question about cost. `lab`: what it needs to stand. A deployment is left as it was found, a machine in any state. */
export type Benchmark = Common &
  (
    | { readonly lab: "none"; run(bench: Bench): Promise<Figure[]> }
    | { readonly lab: "deployed"; run(bench: Bench & Scenario): Promise<Figure[]> }
    | { readonly lab: "open"; run(bench: Bench & { lab: Lab }): Promise<Figure[]> }
  );
