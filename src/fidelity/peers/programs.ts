import { join } from 'node:path';
import { packageRoot } from '../../base/package-info.ts';
import { type GoProgram, kubernetesProgram } from '../../control-plane/sources/go-program.ts';

const modulesDir = join(packageRoot, 'src', 'fidelity', 'peers', 'go');

/** Without symbol table and DWARF. */
const stripped = '-s -w';

/** The kubelet of a Kubernetes version. @param version `v1.36.3`. */
export function kubeletProgram(version: string): GoProgram {
  return kubernetesProgram({
    name: 'kubelet',
    title: `the kubelet ${version}`,
    package: 'k8s.io/kubernetes/cmd/kubelet',
    version,
  });
}

/** Kubemark's hollow kubelet and proxy in one binary. @param version `v1.36.3`. */
export function kubemarkProgram(version: string): GoProgram {
  return kubernetesProgram({
    name: 'kubemark',
    title: `kubemark ${version}`,
    package: 'k8s.io/kubernetes/cmd/kubemark',
    version,
  });
}

/** The version that `go/kwok/go.mod` requires. */
const kwokVersion = 'v0.8.0';

const kwokModule = { moduleDir: join(modulesDir, 'kwok'), linkerFlags: stripped } as const;

/** KWOK's controller. */
export const kwokProgram: GoProgram = {
  ...kwokModule,
  name: 'kwok',
  title: `KWOK ${kwokVersion}`,
  duration: 'about 70 s on two cores',
  package: 'sigs.k8s.io/kwok/cmd/kwok',
  files: ['go.mod', 'go.sum'],
};

/** Prints KWOK's own configuration of fast nodes and pods, as YAML. */
export const kwokStagesProgram: GoProgram = {
  ...kwokModule,
  name: 'kwok-stages',
  title: `the stages of KWOK ${kwokVersion}`,
  duration: 'seconds',
  package: '.',
  files: ['main.go', 'go.mod', 'go.sum'],
};

/** Sleeps and reaps: what holds the namespaces of pods, and of a real node. */
export const pauseProgram: GoProgram = {
  name: 'pause',
  title: 'the pause program',
  duration: 'seconds',
  package: '.',
  moduleDir: join(modulesDir, 'pause'),
  files: ['main.go', 'go.mod'],
  linkerFlags: stripped,
};
