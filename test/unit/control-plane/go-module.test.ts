import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { packageRoot } from '../../../src/base/package-info.ts';
import { defaultVersion } from '../../../src/control-plane/control-plane.ts';
import { goModFor, linkerFlags } from '../../../src/control-plane/sources/go-module.ts';

const kubernetesGoMod = `module k8s.io/kubernetes

go 1.25.0

godebug default=go1.25

require (
	go.etcd.io/etcd/api/v3 v3.6.5
	go.etcd.io/etcd/client/v3 v3.6.5
	k8s.io/api v0.0.0
	k8s.io/klog/v2 v2.130.1
)

replace (
	k8s.io/api => ./staging/src/k8s.io/api
	k8s.io/kms => ./staging/src/k8s.io/kms
)
`;

it('names the published staging modules and the etcd that the release was tested with', () => {
  expect(goModFor('v1.35.4', kubernetesGoMod)).toBe(`module hollowmark.dev/control-plane

go 1.25.0

require (
	go.etcd.io/etcd/server/v3 v3.6.5
	k8s.io/component-base v0.35.4
	k8s.io/kubernetes v1.35.4
)

replace (
	k8s.io/api => k8s.io/api v0.35.4
	k8s.io/kms => k8s.io/kms v0.35.4
)
`);
});

it('keeps the name of a pre-release', () => {
  expect(goModFor('v1.37.0-alpha.1', kubernetesGoMod)).toContain('k8s.io/api v0.37.0-alpha.1');
});

it('refuses a go.mod without what it needs', () => {
  expect(() => goModFor('v1.35.4', 'module other\n')).toThrow('names no Go version');
});

it('stamps the version for the server and for its clients', () => {
  const flags = linkerFlags('v1.36.3');
  expect(flags).toContain('-X k8s.io/component-base/version.gitVersion=v1.36.3');
  expect(flags).toContain('-X k8s.io/component-base/version.gitMinor=36');
  expect(flags).toContain('-X k8s.io/client-go/pkg/version.gitVersion=v1.36.3');
});

it('the bundled go.mod is of the version that is said to be bundled', async () => {
  const goMod = await readFile(`${packageRoot}src/control-plane/binary/go.mod`, 'utf8');
  expect(goMod).toContain(`k8s.io/kubernetes ${defaultVersion}\n`);
});
