import { createHash } from 'node:crypto';
import { stringify } from 'yaml';
import { HollowmarkError } from '../base/errors.ts';
import { inParallel } from '../base/in-parallel.ts';
import type { Rule } from '../load/identity.ts';
import { Calls, type ClusterClient, unavailable } from './calls.ts';
import type { IdentityMode } from './cluster.ts';
import {
  type Access,
  type Need,
  type RunParts,
  accessKey,
  accessesOf,
  distinct,
  identityRules,
  mergeRules,
  neededForRun,
  ruleText,
} from './rules.ts';
import { whoAmI } from './who-am-i.ts';

/** Questions at a time: some 150 are asked, and they cost the API server next to nothing. */
const parallelMax = 10;

const authorization = 'authorization.k8s.io/v1';
const rbac = 'rbac.authorization.k8s.io';

/**
 * Which of these rules the API server would not let this client use, asked one by one (SelfSubjectAccessReview, in all
 * namespaces), so that it does not matter where rights come from.
 * @returns them merged; nothing when all is allowed.
 * @throws HollowmarkError `cluster-unavailable`, `bad-input` for credentials that are not accepted, `interrupted`.
 */
export async function missingRules(
  client: ClusterClient,
  needs: readonly Need[],
  signal: AbortSignal,
): Promise<Rule[]> {
  const calls = new Calls(client, signal);
  const alternatives = needs.flatMap(({ unless }) => unless ?? []);
  const refused = new Set(
    (await refusedOf(calls, alternatives.flatMap(accessesOf))).map((access) => accessKey(access)),
  );
  const due = needs.filter(
    ({ unless }) =>
      unless === undefined || unless.flatMap(accessesOf).some((access) => refused.has(accessKey(access))),
  );
  return mergeRules(
    await refusedOf(
      calls,
      due.flatMap(({ rules }) => rules.flatMap(accessesOf)),
    ),
  );
}

/**
 * Refuses to go on when rules are missing.
 * @throws HollowmarkError `bad-input` that names them, with a role that has them; else as {@link missingRules}.
 */
export async function requireRules(
  client: ClusterClient,
  needs: readonly Need[],
  signal: AbortSignal,
): Promise<void> {
  const missing = await missingRules(client, needs, signal);
  if (missing.length > 0) throw forbidden(missing, (await whoAmI(client))?.user);
}

/** The error of a user who lacks rules, with the role that would give them. */
export function forbidden(missing: readonly Rule[], user: string | undefined): HollowmarkError {
  const who = user ?? '<user>';
  return new HollowmarkError(
    'bad-input',
    `the kubeconfig's user${user === undefined ? '' : ` ${user}`} may not: ${missing.map(ruleText).join('; ')}`,
    { hint: `an administrator can allow it with kubectl apply -f - of this:\n${roleYaml(missing, who)}` },
  );
}

/**
 * How hollow nodes can get identities of their own on this cluster: impersonation where it is allowed, since it costs
 * nothing, else certificates.
 * @param parts as in {@link neededForRun}.
 * @throws HollowmarkError `bad-input` that lists what either lacks, with a role for a whole run; else as {@link missingRules}.
 */
export async function chooseIdentity(
  client: ClusterClient,
  signal: AbortSignal,
  parts: RunParts = {},
): Promise<Exclude<IdentityMode, 'pooled'>> {
  const lacks: string[] = [];
  for (const mode of ['impersonation', 'certificate'] as const) {
    const missing = await missingRules(client, [{ rules: identityRules[mode] }], signal);
    if (missing.length === 0) return mode;
    lacks.push(`${mode} needs: ${missing.map(ruleText).join('; ')}`);
  }
  const user = (await whoAmI(client))?.user;
  throw new HollowmarkError(
    'bad-input',
    `the kubeconfig's user${user === undefined ? '' : ` ${user}`} can give hollow nodes no identities: ${lacks.join('. ')}`,
    {
      hint: `an administrator can allow impersonation, and all else that a run needs, with kubectl apply -f - of this:\n${roleYaml(await missingRules(client, neededForRun('impersonation', parts), signal), user ?? '<user>')}`,
    },
  );
}

/**
 * A ClusterRole with these rules and its binding to `user` (a service account's name is told apart), as YAML for
 * `kubectl apply -f -`. Its name follows from what is in it: a later one with other rules stands beside it.
 */
export function roleYaml(rules: readonly Rule[], user: string): string {
  const merged = mergeRules(rules.flatMap(accessesOf));
  const hash = createHash('sha256')
    .update(JSON.stringify([user, merged]))
    .digest('hex')
    .slice(0, 8);
  const metadata = { name: `hollowmark:user:${hash}` };
  const apiVersion = `${rbac}/v1`;
  const role = { apiVersion, kind: 'ClusterRole', metadata, rules: merged };
  const binding = {
    apiVersion,
    kind: 'ClusterRoleBinding',
    metadata,
    roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: metadata.name },
    subjects: [subjectOf(user)],
  };
  const options = { aliasDuplicateObjects: false, lineWidth: 0 };
  return `${stringify(role, options)}---\n${stringify(binding, options)}`;
}

function subjectOf(user: string): unknown {
  const account = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(user);
  return account === null
    ? { apiGroup: rbac, kind: 'User', name: user }
    : { kind: 'ServiceAccount', namespace: account[1], name: account[2] };
}

async function refusedOf(calls: Calls, accesses: readonly Access[]): Promise<Access[]> {
  const refused: Access[] = [];
  const asked = distinct(accesses);
  await inParallel(asked, parallelMax, async (access) => {
    if (!(await isAllowed(calls, access))) refused.push(access);
  });
  // In the order of the rules, whatever the order of the answers.
  return asked.filter((access) => refused.includes(access));
}

async function isAllowed(calls: Calls, access: Access): Promise<boolean> {
  const { verb, group, resource, subresource, name, url } = access;
  const spec =
    url === ''
      ? { resourceAttributes: { verb, group, resource, subresource, name } }
      : { nonResourceAttributes: { verb, path: url } };
  const reply = await calls.post(
    `/apis/${authorization}/selfsubjectaccessreviews`,
    'selfsubjectaccessreviews',
    {
      apiVersion: authorization,
      kind: 'SelfSubjectAccessReview',
      spec,
    },
  );
  if (reply.body === undefined) throw unavailable('cannot ask what is allowed', reply.message);
  return (reply.body as { status?: { allowed?: boolean } }).status?.allowed === true;
}
