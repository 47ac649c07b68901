import { resultSchemaId } from './result.ts';

/** The contract before this one: without what {@link upgraded} adds, and resolutions of SLIs. */
const before = 'hollowmark.result/v1';

/**
 * Brings the document of an earlier version into this one's shape; what that version did not tell is empty. Anything
 * else comes back as it is, whatever it is. Pure.
 */
export function upgraded(document: unknown): unknown {
  if (!isMap(document) || document['schema'] !== before) return document;
  const { slis } = document;
  return {
    ...document,
    schema: resultSchemaId,
    slis: Array.isArray(slis)
      ? slis.map((sli: unknown) => (isMap(sli) ? { ...sli, resolution: '' } : sli))
      : slis,
    figures: [],
    calls: [],
    windows: { lengthMs: 0, stepMs: 0, good: 0, bad: 0, undecided: 0 },
    latencyGrids: [],
    inventory: { nodes: [], nodesOmitted: 0, workloads: [] },
  };
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
