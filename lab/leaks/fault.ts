import { type Kind, kindOf } from "../probes";
import { until } from "../process";
import { type Sighting, tally } from "./outside";
import { type Name, names, type Scene } from "./scene";

/** Something that goes wrong while every client sends probes. */
export interface Fault {
  readonly title: string;
  /** How it is made: a shell text on the machine, or something elsewhere. */
  readonly make: string | ((scene: Scene) => Promise<unknown>);
  /** Whose probes may be lost. All others' are answered throughout. */
  readonly concerns: readonly Name[];
  /** Who brings back what it concerns. */
  readonly back: string;
  /** What that needs, after probes were sent in the faulty state; default nothing, for it comes back by itself. */
  readonly mend?: (scene: Scene) => Promise<unknown>;
  /** Of a control: the kinds that it does not let out. */
  readonly hides?: readonly Kind[];
  /** Seconds within which all are answered again, once it is mended; default 20. */
  readonly within?: number;
}

/** What was seen of a fault. */
export interface Outcome {
  readonly fault: Fault;
  /** Probes of all clients, sent from its beginning until all were answered again. */
  readonly sent: number;
  /** Packets where none may be. */
  readonly leaked: readonly Sighting[];
  /** Probes without an answer, of those sent. */
  readonly lost: Readonly<Record<Name, readonly [lost: number, of: number]>>;
  /** The longest time without any answer, seconds. */
  readonly out: Readonly<Record<Name, number>>;
  /** Seconds from mending to answers for all, or what was not answered in time. */
  readonly recovered: number | string;
}

/** Probes of each client in the faulty state, at least. */
const IN_FAULT = 300;
/** Of an undisturbed client's probes as many may be lost: buffers of a busy machine overflow. */
const NOISE = 0.01;

/** Makes the fault, has probes sent meanwhile, has it mended, and waits until all are answered again. */
export async function observe(fault: Fault, scene: Scene): Promise<Outcome> {
  const { probers, outside } = scene;
  outside.forget();
  const from = Date.now();
  await (typeof fault.make === "string" ? scene.on(fault.make) : fault.make(scene));
  await Promise.all(names.map((name) => probers[name].more(IN_FAULT)));
  await fault.mend?.(scene);
  const mended = Date.now();
  const within = fault.within ?? 20;
  const recovered = await scene.settled(mended, within).then(
    () => (Date.now() - mended) / 1000,
    (error: Error) => error.message,
  );
  const to = Date.now();
  const forEach = <T>(of: (name: Name) => T) =>
    Object.fromEntries(names.map((name) => [name, of(name)])) as Readonly<Record<Name, T>>;
  // The last answers are on their way.
  const whole = () => names.every((name) => losses(scene, name, from, to)[0] === 0);
  await until("all are answered", 1000, whole).catch(() => undefined);
  // Without a direct client's probe nobody knows what was seen.
  if (typeof recovered === "number") await outside.caughtUp(probers.direct);
  return {
    fault,
    sent: names.reduce((sum, name) => sum + probers[name].sentIn(from, to).length, 0),
    leaked: outside.sightings(from, to),
    lost: forEach((name) => losses(scene, name, from, to)),
    out: forEach((name) => probers[name].silence(from, to)),
    recovered,
  };
}

/** Probes without an answer, of those sent in a span; IPv6 never has one. */
function losses({ probers }: Scene, name: Name, from: number, to: number): readonly [number, number] {
  const sent = probers[name].sentIn(from, to).filter((number) => kindOf(number) !== "ipv6");
  return [sent.filter((number) => !probers[name].answers.has(number)).length, sent.length];
}

/** What is wrong with an outcome, a line each: none when it is as promised. */
export function wrongIn({ fault, leaked, lost, recovered }: Outcome): string[] {
  return [
    ...(leaked.length > 0 ? [`leaked ${tally(leaked)}, the first: ${leaked[0]!.text}`] : []),
    ...(typeof recovered === "string" ? [recovered] : []),
    ...names
      .filter((name) => !fault.concerns.includes(name) && lost[name][0] > lost[name][1] * NOISE)
      .map((name) => `the ${name} client lost ${lost[name][0]} of ${lost[name][1]} probes`),
  ];
}
