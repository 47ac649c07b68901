import { join } from 'node:path';
import { packageRoot } from '../../base/package-info.ts';
import { defaultVersion } from '../control-plane.ts';
import { multiCallName } from './binary-set.ts';
import { linkerFlags } from './go-module.ts';

/** A program that is built from a Go module which comes with this package. */
export type GoProgram = {
  /** The file that is made: `kubelet`. */
  name: string;
  /** For people: `the control plane v1.36.3`. */
  title: string;
  /** What the build takes when Go's own cache is cold, for people: `about 5 min on two cores`. */
  duration: string;
  /** `.`, or the import path of a command that the module requires. */
  package: string;
  /** The folder of the module. */
  moduleDir: string;
  /** The module's files that are used as they are. */
  files: readonly string[];
  /** The version of Kubernetes whose own go.mod the module's is made from, where that is not among `files`. */
  kubernetesVersion?: string;
  linkerFlags: string;
};

/** The module that requires Kubernetes: the control plane, and further commands of `k8s.io/kubernetes`. */
const kubernetesModuleDir = join(packageRoot, 'src', 'control-plane', 'binary');

/** A program of the module that requires Kubernetes, of any version of it. */
export function kubernetesProgram(
  what: Pick<GoProgram, 'name' | 'title' | 'package'> & { version: string },
): GoProgram {
  const { version, ...rest } = what;
  const isBundled = version === defaultVersion;
  return {
    ...rest,
    duration: 'about 5 min on two cores',
    moduleDir: kubernetesModuleDir,
    files: [...(rest.package === '.' ? ['main.go'] : []), ...(isBundled ? ['go.mod', 'go.sum'] : [])],
    ...(isBundled ? {} : { kubernetesVersion: version }),
    linkerFlags: linkerFlags(version),
  };
}

/** etcd and the three of Kubernetes in one binary. */
export function controlPlaneProgram(version: string): GoProgram {
  return kubernetesProgram({
    name: multiCallName,
    title: `the control plane ${version}`,
    package: '.',
    version,
  });
}
