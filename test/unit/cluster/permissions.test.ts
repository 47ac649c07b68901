import * as fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { cleaningRules } from '../../../src/cluster/kinds.ts';
import { chooseIdentity, missingRules, requireRules, roleYaml } from '../../../src/cluster/permissions.ts';
import {
  type Access,
  accessKey,
  accessesOf,
  distinct,
  identityRules,
  mergeRules,
  neededForRun,
  ruleText,
  surveyRules,
} from '../../../src/cluster/rules.ts';
import { loadRules, observerRules } from '../../../src/load/identity.ts';
import { FakeCluster } from './fake-cluster.ts';

let cluster: FakeCluster;
beforeEach(() => {
  cluster = new FakeCluster();
});

const signal = new AbortController().signal;

type Attributes = { verb: string; group: string; resource: string; subresource: string; name: string };
type Review = {
  spec: { resourceAttributes?: Attributes; nonResourceAttributes?: { verb: string; path: string } };
};

/** The server allows what `allows` says; `patch deployments.apps/scale`, `get /version`. */
function allow(allows: (what: string) => boolean): void {
  cluster.intercept = ({ path, body }) => {
    if (!path.endsWith('/selfsubjectaccessreviews')) return undefined;
    const { resourceAttributes: r, nonResourceAttributes: url } = (body as Review).spec;
    const what =
      r === undefined
        ? `${url?.verb ?? ''} ${url?.path ?? ''}`
        : `${r.verb} ${r.resource}${r.group === '' ? '' : `.${r.group}`}${r.subresource === '' ? '' : `/${r.subresource}`}${r.name === '' ? '' : ` ${r.name}`}`;
    return { status: 201, object: { status: { allowed: allows(what) } } };
  };
}

const missing = (...needs: Parameters<typeof missingRules>[1]): Promise<string[]> =>
  cluster.clock.finish(missingRules(cluster, needs, signal)).then((rules) => rules.map(ruleText));

describe('what is missing', () => {
  test('is nothing for who may do all', async () => {
    for (const mode of ['impersonation', 'certificate', 'pooled'] as const) {
      expect(await missing(...neededForRun(mode))).toEqual([]);
    }
  });

  test('is exactly what the server refuses, put together', async () => {
    allow(
      (what) =>
        what !== 'delete nodes' && what !== 'list pods' && what !== 'list nodes' && what !== 'get /version',
    );
    expect(await missing({ rules: cleaningRules() }, { rules: surveyRules })).toEqual([
      'list pods',
      'delete/list nodes',
      'get /version',
    ]);
  });

  test('asks each question once, for all names where one of them would do', async () => {
    await missing(...neededForRun('pooled'));
    const asked = cluster.asked.map(({ body }) => JSON.stringify(body));
    expect(new Set(asked).size).toBe(asked.length);
    expect(asked.filter((body) => body.includes('"leases"') && body.includes('"delete"'))).toHaveLength(1);
  });

  test('are to make RuntimeClasses too where nodes have such runtimes', async () => {
    allow((what) => what !== 'create runtimeclasses.node.k8s.io');
    expect(await missing(...neededForRun('impersonation'))).toEqual([]);
    expect(await missing(...neededForRun('impersonation', { runtimeClasses: true }))).toEqual([
      'create runtimeclasses.node.k8s.io',
    ]);
  });

  test('are those on volumes where the scenario makes claims, and nowhere else', async () => {
    allow((what) => !/persistentvolume|create jobs/.test(what));
    for (const mode of ['impersonation', 'certificate', 'pooled'] as const) {
      expect(await missing(...neededForRun(mode))).toEqual([]);
    }
    expect(await missing(...neededForRun('pooled', { workloads: ['job', 'statefulset'] }))).toEqual([
      'create jobs.batch',
    ]);
    // What nodes read is among them.
    allow((what) => !/^(create|get) persistentvolume/.test(what));
    expect(await missing(...neededForRun('pooled', { workloads: ['claim'] }))).toEqual([
      'create/get persistentvolumeclaims, persistentvolumes',
    ]);
  });

  test('for handing out rights are the rights, or leave to hand out any', async () => {
    const needs = neededForRun('impersonation');
    allow((what) => !what.startsWith('create deployments.apps') && !what.startsWith('escalate'));
    expect(await missing(...needs)).toEqual(['create deployments.apps']);
    allow((what) => !what.startsWith('create deployments.apps'));
    expect(await missing(...needs)).toEqual([]);
    // Leave to escalate without leave to bind is not enough.
    allow((what) => !what.startsWith('create deployments.apps') && !what.startsWith('bind'));
    expect(await missing(...needs)).toEqual(['create deployments.apps']);
  });

  test('covers what load and observer are granted, in every mode', () => {
    for (const mode of ['impersonation', 'certificate', 'pooled'] as const) {
      const needed = new Set(
        distinct(neededForRun(mode).flatMap(({ rules }) => rules.flatMap(accessesOf))).map(accessKey),
      );
      for (const access of [...loadRules, ...observerRules].flatMap(accessesOf)) {
        expect([...needed]).toContain(accessKey(access));
      }
    }
  });

  test('is refused with a role', async () => {
    allow((what) => what !== 'delete nodes');
    await expect(
      cluster.clock.finish(requireRules(cluster, neededForRun('pooled'), signal)),
    ).rejects.toMatchObject({
      code: 'bad-input',
      message: "the kubeconfig's user jane may not: delete nodes",
      hint: expect.stringContaining(
        roleYaml([{ apiGroups: [''], resources: ['nodes'], verbs: ['delete'] }], 'jane'),
      ) as unknown,
    });
    allow(() => true);
    await cluster.clock.finish(requireRules(cluster, neededForRun('pooled'), signal));
  });

  test('cannot be said when the server does not answer', async () => {
    cluster.intercept = () => ({ status: 403 });
    await expect(missing({ rules: surveyRules })).rejects.toMatchObject({ code: 'cluster-unavailable' });
  });
});

describe('the way to identities', () => {
  const choose = (): Promise<string> => cluster.clock.finish(chooseIdentity(cluster, signal));

  test('is impersonation where it is allowed', async () => {
    expect(await choose()).toBe('impersonation');
  });

  test('is certificates where impersonating one of the groups is not', async () => {
    allow((what) => what !== 'impersonate groups system:nodes');
    expect(await choose()).toBe('certificate');
  });

  test('is none where neither is: the error says what each lacks', async () => {
    allow((what) => !what.startsWith('impersonate') && !what.startsWith('approve'));
    await expect(choose()).rejects.toMatchObject({
      code: 'bad-input',
      message:
        "the kubeconfig's user jane can give hollow nodes no identities: impersonation needs: impersonate users; " +
        'impersonate groups (hollowmark:load, hollowmark:observer, system:nodes). certificate needs: approve ' +
        'signers.certificates.k8s.io (kubernetes.io/kube-apiserver-client, kubernetes.io/kube-apiserver-client-kubelet)',
      hint: expect.stringContaining(roleYaml(identityRules.impersonation, 'jane')) as unknown,
    });
  });
});

describe('rules put together', () => {
  const access: fc.Arbitrary<Access> = fc.oneof(
    fc.record({
      verb: fc.constantFrom('get', 'list', 'delete'),
      group: fc.constantFrom('', 'apps'),
      resource: fc.constantFrom('pods', 'nodes', 'leases'),
      subresource: fc.constantFrom('', 'status'),
      name: fc.constantFrom('', 'a', 'b'),
      url: fc.constant(''),
    }),
    fc.constantFrom('/version', '/metrics').map((url) => ({
      verb: 'get',
      group: '',
      resource: '',
      subresource: '',
      name: '',
      url,
    })),
  );

  test('allow exactly what they did apart', () => {
    fc.assert(
      fc.property(fc.array(access, { maxLength: 60 }), (accesses) => {
        const keys = (some: Access[]): string[] => distinct(some).map(accessKey).toSorted();
        expect(keys(mergeRules(accesses).flatMap(accessesOf))).toEqual(keys(accesses));
      }),
    );
  });

  test('read well', () => {
    expect(mergeRules(cleaningRules().flatMap(accessesOf)).map(ruleText)).toEqual([
      'delete/list endpoints, events, namespaces, nodes, pods, services',
      'delete/list deployments.apps, replicasets.apps',
      'delete/list endpointslices.discovery.k8s.io',
      'delete/list csinodes.storage.k8s.io',
      'delete/list leases.coordination.k8s.io',
      'delete/list runtimeclasses.node.k8s.io',
      'delete/list certificatesigningrequests.certificates.k8s.io',
      'delete/list clusterrolebindings.rbac.authorization.k8s.io, clusterroles.rbac.authorization.k8s.io, rolebindings.rbac.authorization.k8s.io, roles.rbac.authorization.k8s.io',
    ]);
  });
});

describe('the role that one can apply', () => {
  const rules = [
    { apiGroups: [''], resources: ['pods'], verbs: ['list'] },
    { apiGroups: [''], resources: ['nodes'], verbs: ['list'] },
    { nonResourceURLs: ['/version'], verbs: ['get'] },
  ];
  const documents = (yaml: string): unknown[] =>
    parseAllDocuments(yaml).map((document) => document.toJS() as unknown);
  type Named = { metadata: { name: string } };

  test('is a ClusterRole and its binding', () => {
    const [role, binding] = documents(roleYaml(rules, 'jane@example.com')) as [Named, Named];
    const { name } = role.metadata;
    expect(name).toMatch(/^hollowmark:user:[0-9a-f]{8}$/);
    expect(role).toEqual({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name },
      rules: [
        { apiGroups: [''], resources: ['nodes', 'pods'], verbs: ['list'] },
        { nonResourceURLs: ['/version'], verbs: ['get'] },
      ],
    });
    expect(binding).toEqual({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'jane@example.com' }],
    });
  });

  test('knows service accounts', () => {
    const [, binding] = documents(roleYaml(rules, 'system:serviceaccount:ci:robot'));
    expect(binding).toMatchObject({ subjects: [{ kind: 'ServiceAccount', namespace: 'ci', name: 'robot' }] });
  });

  test('does not take the place of one with other rules or for another user', () => {
    const names = [
      roleYaml(rules, 'a'),
      roleYaml(rules, 'b'),
      roleYaml(rules.slice(1), 'a'),
      roleYaml(rules, 'a'),
    ].map((yaml) => (documents(yaml)[0] as Named).metadata.name);
    expect(new Set(names).size).toBe(3);
  });
});
