import { HollowmarkError, errorMessage } from '../base/errors.ts';
import { type InputKind, readInputFile } from '../base/input-file.ts';
import { spreadWithin } from '../statistics/spread.ts';
import { type Allowance, type RunIdentity, differencesOf } from './identity.ts';
import { type Noise, sides } from './noise.ts';
import { logDeviationMin } from './resolution.ts';
import { logsOf } from './run-set.ts';
import { faultOf, placeOf } from './schemas.ts';

const noiseFile: InputKind = {
  name: 'noise file',
  bytesMax: 50_000_000,
  hint: 'give the noise.json that `hollowmark noise` wrote',
};

/** What a gate takes of a noise file. */
export type KnownNoise = Pick<
  Noise,
  'id' | 'scenario' | 'seed' | 'parameters' | 'tool' | 'machine' | 'cluster' | 'wire' | 'basis'
> & {
  runs: Pick<Noise['runs'][number], 'id' | 'variant' | 'leftOut'>[];
  rows: Pick<
    Noise['rows'][number],
    'id' | 'labels' | 'unit' | 'quantile' | 'values' | 'logDeviation' | 'degrees'
  >[];
};

/** @throws HollowmarkError `bad-input` when the file is none, is damaged, or tells of no valid runs. */
export function readNoise(path: string): KnownNoise {
  let document: unknown;
  try {
    document = JSON.parse(readInputFile(path, noiseFile));
  } catch (cause) {
    if (cause instanceof HollowmarkError) throw cause;
    throw unusable(`${path} is not JSON: ${errorMessage(cause)}`);
  }
  const { schema } = (document ?? {}) as { schema?: unknown };
  if (schema !== 'hollowmark.noise/v1') throw unusable(`${path} is no noise file of this version`);
  const damaged = (what: string): HollowmarkError =>
    unusable(`${path}: the file was changed or damaged: ${what}`);
  const fault = faultOf('noise.schema.json', document);
  if (fault !== undefined) throw damaged(`${placeOf(fault)} ${fault.reason}`);
  const noise = document as KnownNoise;
  const counts = runsOfSides(noise).map(({ length }) => length);
  const row = noise.rows.findIndex(({ values }) =>
    values.some((side, index) => side.length !== counts[index]),
  );
  if (row >= 0) throw damaged(`$.rows.${row}.values are not of its runs`);
  if (noise.basis !== 'valid') throw unusable(`${path}: none of its runs was valid`);
  if (noise.rows.length === 0) throw unusable(`${path}: too few of its runs were valid to tell anything`);
  return noise;
}

function unusable(message: string): HollowmarkError {
  return new HollowmarkError('bad-input', message, { hint: noiseFile.hint });
}

/** Ids of the runs that count, by side, in the order of a row's values. */
function runsOfSides({ runs }: Pick<KnownNoise, 'runs'>): string[][] {
  return Array.from({ length: sides }, (_, side) =>
    runs.filter(({ variant, leftOut }) => variant === side && leftOut === null).map(({ id }) => id),
  );
}

/**
 * Noise without some of its runs: those that are compared say themselves how far they lie apart, and would be counted
 * twice. @returns also what there is to say of it.
 */
export function noiseWithout(
  noise: KnownNoise,
  ids: ReadonlySet<string>,
): { noise: KnownNoise | undefined; notes: string[] } {
  const isKept = runsOfSides(noise).map((side) => side.map((id) => !ids.has(id)));
  const dropped = isKept.flat().filter((kept) => !kept).length;
  if (dropped === 0) return { noise, notes: [] };
  const rows = noise.rows.flatMap((row) => {
    const values = row.values.map((side, index) => side.filter((_, run) => isKept[index]?.[run] === true));
    const spread = spreadWithin(values.map(logsOf), logDeviationMin(row, values.flat()));
    return spread === undefined
      ? []
      : [{ ...row, values, logDeviation: spread.deviation, degrees: spread.degrees }];
  });
  if (rows.length === 0) {
    return { noise: undefined, notes: [`left out: the noise ${noise.id}: its runs are compared here`] };
  }
  const [runs, them] = dropped === 1 ? ['1 run', 'it is'] : [`${dropped} runs`, 'they are'];
  return {
    noise: { ...noise, rows },
    notes: [`left out: ${runs} of the noise ${noise.id}: ${them} compared here`],
  };
}

/** An identity with all that noise knows of its runs in it. */
export function withNoiseIdentity(
  { scenario, seed, parameters, tool, machine, cluster, wire }: KnownNoise,
  identity: Pick<RunIdentity, 'flags' | 'server'>,
): RunIdentity {
  return {
    scenario,
    seed,
    parameters,
    machine,
    kubernetes: cluster.version,
    tool: { version: tool.version, node: tool.node },
    flags: { components: identity.flags.components, profile: cluster.profile },
    wire: { profile: wire.profile, identity: wire.identity, codec: wire.codec },
    server: identity.server,
  };
}

/**
 * Noise counts for runs of the same thing on the same machine alone.
 * @param subject what it should be the noise of: `run ID`.
 * @throws HollowmarkError `bad-input` with the fields and their values.
 */
export function requireNoiseOf(
  noise: KnownNoise,
  subject: string,
  identity: RunIdentity,
  allowed: readonly Allowance[],
): void {
  const found = differencesOf(withNoiseIdentity(noise, identity), identity).filter(
    ({ allowance }) => !allowed.includes(allowance),
  );
  const [first] = found;
  if (first === undefined) return;
  throw new HollowmarkError(
    'bad-input',
    `the noise ${noise.id} is not that of ${subject}: ${first.field}: ${first.first} there, ${first.second} here`,
    {
      hint: `measure it anew with \`hollowmark noise\`, or take it as it is with --allow ${first.allowance}`,
    },
  );
}
