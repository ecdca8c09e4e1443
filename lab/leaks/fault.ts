import { type Kind, kindOf } from "../probes";
import { until } from "../process";
import { kindsOf, type Sighting, tally } from "./outside";
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
  /** Of a control: the kinds that must be seen outside. Without it none may. */
  readonly shows?: readonly Kind[];
  /** Seconds within which all are answered again, once it is mended; default {@link WITHIN}. */
  readonly within?: number;
}

/** What was seen of a fault. */
export interface Outcome {
  readonly fault: Fault;
  /** How many probes were sent from its beginning until all were answered again. */
  readonly sent: Readonly<Record<Name, number>>;
  /** Packets where none may be. */
  readonly leaked: readonly Sighting[];
  /** The probes without an answer; IPv6 never has one. */
  readonly lost: Readonly<Record<Name, readonly number[]>>;
  /** The longest time without any answer, seconds. */
  readonly out: Readonly<Record<Name, number>>;
  /** Seconds from mending to answers for all, or what was not answered in time. */
  readonly recovered: number | string;
}

/** Seconds; WireGuard alone takes up to 20 to notice that the gateway began anew, and a busy machine is slow. */
const WITHIN = 60;
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
  const within = fault.within ?? WITHIN;
  const recovered = await scene.settled(mended, within).then(
    () => (Date.now() - mended) / 1000,
    (error: Error) => error.message,
  );
  const to = Date.now();
  const forEach = <T>(of: (name: Name) => T) =>
    Object.fromEntries(names.map((name) => [name, of(name)])) as Readonly<Record<Name, T>>;
  // The last answers are on their way.
  const whole = () => names.every((name) => losses(scene, name, from, to).length === 0);
  await until("all are answered", 1000, whole).catch(() => undefined);
  // Without a direct client's probe nobody knows what was seen.
  if (typeof recovered === "number") await outside.caughtUp(probers.direct);
  return {
    fault,
    sent: forEach((name) => probers[name].sentIn(from, to).length),
    leaked: outside.sightings(from, to),
    lost: forEach((name) => losses(scene, name, from, to)),
    out: forEach((name) => probers[name].silence(from, to)),
    recovered,
  };
}

function losses({ probers }: Scene, name: Name, from: number, to: number): number[] {
  const { answers } = probers[name];
  return probers[name].sentIn(from, to).filter((number) => kindOf(number) !== "ipv6" && !answers.has(number));
}

/** What is wrong with an outcome, a line each: none when it is as promised. */
export function wrongIn({ fault, sent, leaked, lost, recovered }: Outcome): string[] {
  const seen = leaked.map(({ kind }) => kind);
  return [
    ...(fault.shows?.filter((kind) => !seen.includes(kind)).map((kind) => `${kind} is not seen outside`) ?? []),
    ...(leaked[0] && !fault.shows ? [`leaked ${tally(kindsOf(leaked))}, the first: ${leaked[0].text}`] : []),
    ...(typeof recovered === "string" ? [recovered] : []),
    ...names
      .filter((name) => !fault.concerns.includes(name) && lost[name].length > sent[name] * NOISE)
      .map((name) => `the ${name} client, of ${sent[name]} probes, lost ${tally(lost[name].map(kindOf))}`),
  ];
}
