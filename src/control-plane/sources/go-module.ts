const kubernetesPrefix = 'k8s.io/';

/**
 * The go.mod with which `binary/main.go` builds a Kubernetes version other than the bundled one.
 * Kubernetes' own go.mod requires its staging modules as `v0.0.0` and replaces them with folders, which does not
 * carry over to those who import it: they must name the published versions, `v0.Y.Z` for Kubernetes `v1.Y.Z`.
 * @param version `v1.35.2`.
 * @param kubernetesGoMod the text of k8s.io/kubernetes' go.mod at that version.
 * @throws Error when that file does not name what is needed.
 */
export function goModFor(version: string, kubernetesGoMod: string): string {
  const go = /^go (\S+)$/m.exec(kubernetesGoMod)?.[1];
  const etcd = /^\s*go\.etcd\.io\/etcd\/client\/v3 (v\S+)/m.exec(kubernetesGoMod)?.[1];
  const staging = [...kubernetesGoMod.matchAll(/^\s*(k8s\.io\/[\w./-]+) => \.\/staging\//gm)].map(
    (m) => m[1],
  );
  if (go === undefined || etcd === undefined || staging.length === 0) {
    throw new Error(
      `go.mod of k8s.io/kubernetes ${version} names no Go version, etcd client or staging modules`,
    );
  }
  const stagingVersion = stagingVersionOf(version);
  return [
    'module hollowmark.dev/control-plane',
    '',
    `go ${go}`,
    '',
    'require (',
    // The etcd whose client the API server was tested with.
    `\tgo.etcd.io/etcd/server/v3 ${etcd}`,
    `\t${kubernetesPrefix}component-base ${stagingVersion}`,
    `\t${kubernetesPrefix}kubernetes ${version}`,
    ')',
    '',
    'replace (',
    ...staging.map((name) => `\t${name} => ${name} ${stagingVersion}`),
    ')',
    '',
  ].join('\n');
}

/** `v0.36.3` for `v1.36.3`. */
export function stagingVersionOf(version: string): string {
  return version.replace(/^v1\./, 'v0.');
}

/** What the linker stamps into the binary, so that it says `Kubernetes v1.36.3` and clients name themselves so. */
export function linkerFlags(version: string): string {
  const [, major, minor] = /^v(\d+)\.(\d+)\./.exec(version) ?? [];
  const stamps = ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version'].flatMap((name) => [
    `-X ${name}.gitVersion=${version}`,
    `-X ${name}.gitMajor=${major}`,
    `-X ${name}.gitMinor=${minor}`,
  ]);
  // Without symbol table and DWARF: 125 MB in place of 180 MB.
  return ['-s', '-w', ...stamps].join(' ');
}
