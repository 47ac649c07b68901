import { type InputKind, readInputFile } from '../base/input-file.ts';
import { findConflicts, findWarnings } from './checks.ts';
import { type ScenarioDocument, compile, deepFreeze, phaseNames } from './compile.ts';
import { type Fault, type Override, describeValue, faultError } from './file/fault.ts';
import { type ScenarioOverrides, applyOverrides } from './file/overrides.ts';
import { isRecord } from './file/path.ts';
import { findSchemaFaults } from './file/schema.ts';
import { YamlSource } from './file/yaml-source.ts';
import { findRuntimes } from './runtimes.ts';
import type { Scenario } from './scenario.ts';

export type { ScenarioOverrides } from './file/overrides.ts';

export type LoadedScenario = {
  scenario: Scenario;
  /**
   * The same scenario in the file's own words, with every default and override written out and every phase named:
   * plain data that, saved as YAML or JSON, loads to an equal scenario.
   */
  document: ScenarioDocument;
  /** What the run may do but Kubernetes makes no promise for, or what the user may not have meant. */
  warnings: string[];
};

/** Scenarios have some 2 KB; a file larger than this is something else, and the YAML parser would take seconds. */
export const scenarioFile: InputKind = {
  name: 'scenario file',
  bytesMax: 256 * 1024,
  hint: 'name a scenario file, such as scenarios/quickstart.yaml or a changed copy of it',
};

/**
 * Reads, overrides, validates and freezes a scenario.
 * @throws HollowmarkError `bad-input` with one message: file, line and column (or the flag) and the path; or what is
 * wrong with a file of a runtime that it names.
 */
export function loadScenario(path: string, overrides: ScenarioOverrides): LoadedScenario {
  return parseScenario(readInputFile(path, scenarioFile), path, overrides);
}

/** As {@link loadScenario}, of a text; `file` is for messages. */
export function parseScenario(text: string, file: string, overrides: ScenarioOverrides): LoadedScenario {
  const source = new YamlSource(text, file);
  const document = source.data;
  if (!isRecord(document)) {
    throw faultError(
      { path: [], at: 'value', message: `a scenario must be a map, not ${describeValue(document)}` },
      source,
      [],
    );
  }
  // First the file alone, which also fills in the defaults that --set paths lead through.
  throwFirst(findSchemaFaults(document), source, []);
  const applied = applyOverrides(document, overrides);
  if (applied.length > 0) throwFirst(findSchemaFaults(document), source, applied);
  const valid = document as ScenarioDocument;
  const { runtimes, faults } = findRuntimes(valid, file);
  throwFirst(faults, source, applied);
  const scenario = compile(valid, runtimes);
  throwFirst(findConflicts(scenario), source, applied);
  const names = phaseNames(valid.phases);
  const named = {
    ...valid,
    phases: valid.phases.map((phase, i) => ({ ...phase, name: names[i] ?? phase.type })),
  };
  return { scenario, document: deepFreeze(structuredClone(named)), warnings: findWarnings(scenario) };
}

/** A scenario of nothing but nodes, with the defaults of everything else: what `up` starts. */
export function defaultScenario(nodes: { nodes: number; proxies: boolean }): Scenario {
  const text = JSON.stringify({
    name: 'up',
    nodes: { count: 1, proxies: nodes.proxies },
    phases: [{ type: 'wait', for: 'nodes-ready' }],
  });
  return parseScenario(text, 'the default scenario', { nodes: nodes.nodes, sets: [] }).scenario;
}

/** Throws the fault that stands first in the file. */
function throwFirst(faults: readonly Fault[], source: YamlSource, overrides: readonly Override[]): void {
  let first: Fault | undefined;
  let firstOffset = Number.POSITIVE_INFINITY;
  for (const fault of faults) {
    const { offset } = source.placeOf(fault.path, fault.at);
    if (offset >= firstOffset) continue;
    first = fault;
    firstOffset = offset;
  }
  if (first !== undefined) throw faultError(first, source, overrides);
}
