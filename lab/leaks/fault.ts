import { type End, type Kind, kindOf } from "../probes";
import { until } from "../process";
import { kindsOf, type Sighting, tally } from "./outside";
import { answerable, type Name, names, type Scene } from "./scene";

/** Whose probes may be lost, and of which kinds. */
export type Concerned = Readonly<Partial<Record<Name, readonly Kind[]>>>;

/** Something that goes wrong while every client sends probes. */
export interface Fault {
  readonly title: string;
  /** How it is made: a shell text on the machine, or something elsewhere. */
  readonly make: string | ((scene: Scene) => Promise<unknown>);
  /** All other probes but those that it {@link takes} are answered throughout, by the running TCP connections that were there before. */
  readonly concerns: Concerned;
  /** The kinds of which it takes what is under way while it is made, whoever sent it, and nothing that is sent afterwards. */
  readonly takes?: readonly Kind[];
  /** Who brings back what it concerns. */
  readonly back: string;
  /** What that needs, after probes were sent in the faulty state; default nothing, for it comes back by itself. */
  readonly mend?: (scene: Scene) => Promise<unknown>;
  /** Of those concerned, who loses probes until it is mended: without that it shows nothing. Default all, or nobody in a control. */
  readonly bites?: readonly Name[];
  /** Of a control: the kinds that must be seen outside. Without it none may. */
  readonly shows?: readonly Kind[];
  /** Seconds within which it is mended, and then all are answered again; default {@link WITHIN}. */
  readonly within?: number;
}

/** What was seen of a fault. */
export interface Outcome {
  readonly fault: Fault;
  /** How many probes were sent from its beginning until all were answered again. */
  readonly sent: Readonly<Record<Name, number>>;
  /** Packets where none may be. */
  readonly leaked: readonly Sighting[];
  /** The probes without an answer, less what was under way and may be lost; IPv6 never has one. */
  readonly lost: Readonly<Record<Name, readonly number[]>>;
  /** How many packets full queues on its way dropped meanwhile. */
  readonly overflowed: Readonly<Record<Name, number>>;
  /** When a probe was sent, seconds after the fault's beginning; to 50 ms. */
  readonly sentAt: (name: Name, number: number) => number;
  /** Who lost {@link BURST} probes by it: in the last second before it was mended, or while it was made and watched. */
  readonly bitten: readonly Name[];
  /** The longest time without any answer, seconds. */
  readonly out: Readonly<Record<Name, number>>;
  /** How running TCP connections ended; none where the first went on. */
  readonly ends: Readonly<Record<Name, readonly End[]>>;
  /** Seconds that mending took; undefined where it comes back by itself. */
  readonly mending: number | undefined;
  /** Seconds to answers for all, from when it was mended, or else from the fault's beginning; or what was not answered in time. */
  readonly recovered: number | string;
}

/** Seconds; WireGuard alone takes up to 20 to notice that the gateway began anew, and a busy machine is slow. */
const WITHIN = 60;
/** Probes of each client in the faulty state, at least, and seconds of it where it lasts until it is mended. */
const [IN_FAULT, LASTS] = [300, 3];
/** So many of one kind in a row are lost by no noise. */
const BURST = 5;
/** Of an undisturbed client's probes as many may be lost: buffers of a busy machine overflow, and not all are counted. */
const NOISE = 0.01;
/** Seconds without any answer that an undisturbed client may see on a busy machine. */
const SILENT = 2;
/** A running TCP connection sends again after at most twice the silence so far: after a shorter one, within the 10 s of its patience. */
const HANGS = 4;

/** Makes the fault, has probes sent meanwhile, has it mended, and waits until all are answered again. */
export async function observe(fault: Fault, scene: Scene): Promise<Outcome> {
  const { probers, outside } = scene;
  outside.forget();
  const before = await scene.overflows();
  const from = Date.now();
  await (typeof fault.make === "string" ? scene.on(fault.make) : fault.make(scene));
  const made = Date.now();
  await Promise.all(names.map((name) => probers[name].more(IN_FAULT, fault.mend && LASTS)));
  const watched = Date.now();
  await fault.mend?.(scene);
  const mended = Date.now();
  const recovered = await scene.settled(mended, fault.within ?? WITHIN).then(
    () => (Date.now() - (fault.mend ? mended : from)) / 1000,
    (error: Error) => error.message,
  );
  const to = Date.now();
  const forEach = <T>(of: (name: Name) => T) =>
    Object.fromEntries(names.map((name) => [name, of(name)])) as Readonly<Record<Name, T>>;
  const lost = (name: Name): number[] => {
    const taken = new Set(probers[name].sentIn(from, made).filter((one) => fault.takes?.includes(kindOf(one))));
    return losses(scene, name, from, to).filter((one) => !taken.has(one));
  };
  const whole = () => names.every((name) => lost(name).every((one) => isConcerned(fault, name, one)));
  // The last answers are on their way.
  await until("all are answered", 1000, whole).catch(() => undefined);
  // Without a direct client's probe nobody knows what was seen.
  if (typeof recovered === "number") await outside.caughtUp(probers.direct);
  const after = await scene.overflows();
  const outcome: Outcome = {
    fault,
    sent: forEach((name) => probers[name].sentIn(from, to).length),
    leaked: [...outside.sightings(from, to), ...scene.elsewhere(from, to)],
    lost: forEach(lost),
    overflowed: forEach((name) => added(before[name], after[name])),
    sentAt: (name, number) => (probers[name].sentAt(number) - from) / 1000,
    bitten: names.filter((name) => bitten(fault, scene, name, fault.mend ? watched - 1000 : from, watched)),
    out: forEach((name) => probers[name].silence(from, to)),
    ends: forEach((name) => probers[name].endsIn(from, to)),
    mending: fault.mend && (mended - watched) / 1000,
    recovered,
  };
  if (typeof recovered === "number") await scene.seenWell();
  return outcome;
}

/** By how much counts have grown, in all. What began anew counts from 0 again; what is not there, or was not, counts nothing. */
const added = (before: readonly (number | undefined)[], after: readonly (number | undefined)[]): number =>
  after.reduce<number>((sum, count = 0, index) => sum + Math.max(0, count - (before[index] ?? count)), 0);

const isConcerned = ({ concerns }: Fault, name: Name, number: number): boolean =>
  concerns[name]?.includes(kindOf(number)) ?? false;

function losses({ probers }: Scene, name: Name, from: number, to: number): number[] {
  const { answers } = probers[name];
  return probers[name].sentIn(from, to).filter((number) => kindOf(number) !== "ipv6" && !answers.has(number));
}

function bitten({ concerns }: Fault, { probers }: Scene, name: Name, from: number, to: number): boolean {
  const { answers } = probers[name];
  const sent = probers[name].sentIn(from, to);
  return (concerns[name] ?? []).some((kind) => {
    let row = 0;
    const ofKind = sent.filter((number) => kindOf(number) === kind);
    return ofKind.some((number) => (row = answers.has(number) ? 0 : row + 1) >= BURST);
  });
}

/** What is wrong with an outcome, a line each: none when it is as promised. */
export function wrongIn(outcome: Outcome): string[] {
  const { fault, leaked, bitten, mending = 0, recovered } = outcome;
  const within = fault.within ?? WITHIN;
  const bites = fault.bites ?? names.filter((name) => fault.concerns[name] && !fault.shows);
  const seen = leaked.map(({ kind }) => kind);
  return [
    ...(fault.shows?.filter((kind) => !seen.includes(kind)).map((kind) => `${kind} is not seen outside`) ?? []),
    ...(leaked[0] && !fault.shows ? [`leaked ${tally(kindsOf(leaked))}, the first: ${leaked[0].text}`] : []),
    ...bites.filter((name) => !bitten.includes(name)).map((name) => `the ${name} client lost nothing by it`),
    ...(mending > within ? [`mended after ${mending} s`] : []),
    ...(typeof recovered === "string" ? [recovered] : []),
    ...(Number(recovered) > within ? [`answered again after ${recovered} s`] : []),
    ...names.flatMap((name) => noticed(outcome, name).map((what) => `the ${name} client ${what}`)),
  ];
}

/** What a client noticed that it may not: of the fault where it does not concern it, and of a connection that neither goes on nor is cut. */
function noticed({ fault, sent, sentAt, lost, overflowed, out, ends }: Outcome, name: Name): string[] {
  const concerned = fault.concerns[name] ?? [];
  const others = lost[name].filter((number) => !isConcerned(fault, name, number));
  const full = overflowed[name];
  const at = (index: number): string => sentAt(name, others.at(index)!).toFixed(1);
  return [
    ...(others.length > sent[name] * NOISE + full
      ? [
          `lost ${tally(others.map(kindOf))}, of ${sent[name]} probes, ${at(0)} to ${at(-1)} s after the beginning, ${full} in full queues`,
        ]
      : []),
    ...(concerned.length < answerable.length && out[name] > SILENT ? [`heard nothing for ${out[name]} s`] : []),
    ...(!concerned.includes("tcp running") && ends[name][0] ? [`had its TCP connection ${ends[name][0]}`] : []),
    ...(ends[name].includes("unheard") && out[name] < HANGS ? ["had a TCP connection that hung"] : []),
  ];
}
