import { describe, expect, it } from 'vitest';
import { buildArgv } from '../../../src/control-plane/argv/argv.ts';
import type { ControlPlaneConfig, KeyPairPaths } from '../../../src/control-plane/argv/config.ts';
import { componentNames, perComponent } from '../../../src/control-plane/components.ts';
import type { FlagProfile } from '../../../src/control-plane/control-plane.ts';

const pair = (name: string): KeyPairPaths => ({
  certPath: `/run/pki/${name}.crt`,
  keyPath: `/run/pki/${name}.key`,
});

function config(profile: FlagProfile, extraFlags: ControlPlaneConfig['extraFlags'] = {}): ControlPlaneConfig {
  return {
    profile,
    etcdDataDir: '/run/etcd',
    flexVolumeDir: '/run/flexvolume',
    pki: {
      clusterCa: pair('cluster-ca'),
      frontProxyCa: pair('front-proxy-ca'),
      frontProxyClient: pair('front-proxy-client'),
      etcdCa: pair('etcd-ca'),
      etcdServer: pair('etcd-server'),
      etcdClient: pair('etcd-client'),
      apiServer: pair('kube-apiserver'),
      localServer: pair('local-server'),
      serviceAccountKeyPath: '/run/pki/service-account.key',
      serviceAccountPublicKeyPath: '/run/pki/service-account.pub',
    },
    kubeconfigs: {
      admin: '/run/admin.kubeconfig',
      'kube-controller-manager': '/run/kube-controller-manager.kubeconfig',
      'kube-scheduler': '/run/kube-scheduler.kubeconfig',
    },
    ports: {
      etcd: 20001,
      'kube-apiserver': 20002,
      'kube-controller-manager': 20003,
      'kube-scheduler': 20004,
    },
    extraFlags,
  };
}

const separate = perComponent((name) => [`/bin/${name}`]);

describe('the whole command lines', () => {
  // Regenerated with `npx vitest run --project unit test/unit/control-plane/argv.test.ts -u`.
  it.each(['default', 'scale'] as const)('profile %s', async (profile) => {
    const argv = buildArgv(config(profile), separate);
    const text = componentNames.map((name) => `${argv[name].join('\n  ')}\n`).join('\n');
    await expect(text).toMatchFileSnapshot(`golden/argv-${profile}.txt`);
  });
});

describe('command lines', () => {
  it('listen on loopback only', () => {
    const argv = buildArgv(config('scale'), separate);
    for (const name of componentNames) {
      for (const flag of argv[name].filter((text) => /^--(bind-address|listen-)/.test(text))) {
        expect(flag).toContain('127.0.0.1');
      }
    }
  });

  it('leave the limits of the default profile to Kubernetes', () => {
    const flags = componentNames.flatMap((name) => buildArgv(config('default'), separate)[name]);
    expect(flags.filter((text) => /qps|burst|concurrent|inflight|quota/.test(text))).toEqual([]);
  });

  it('of the scale profile add limits to the default ones and change nothing else', () => {
    const defaults = buildArgv(config('default'), separate);
    const scale = buildArgv(config('scale'), separate);
    for (const name of componentNames) expect(scale[name]).toEqual(expect.arrayContaining(defaults[name]));
  });

  it('give no flag twice', () => {
    const argv = buildArgv(config('scale'), separate);
    for (const name of componentNames) {
      const names = argv[name].map((text) => text.split('=')[0]);
      expect(new Set(names).size).toBe(names.length);
    }
  });

  it('name the component first where the binary is a multi-call one', () => {
    const argv = buildArgv(
      config('scale'),
      perComponent((name) => ['/bin/control-plane', name]),
    );
    expect(argv['kube-scheduler'].slice(0, 2)).toEqual(['/bin/control-plane', 'kube-scheduler']);
  });

  it('send the API server to what stands before etcd, and etcd to its own port', () => {
    const argv = buildArgv({ ...config('scale'), etcdViaPort: 20_009 }, separate);
    const etcdServers = argv['kube-apiserver'].filter((text) => text.startsWith('--etcd-servers='));
    expect(etcdServers).toEqual(['--etcd-servers=https://127.0.0.1:20009']);
    expect(argv.etcd).toContain('--listen-client-urls=https://127.0.0.1:20001');
  });

  it('end with the extra flags, so that those win', () => {
    const extra = { 'kube-apiserver': ['--goaway-chance=0.02', '--max-requests-inflight=7'] };
    const argv = buildArgv(config('scale', extra), separate);
    expect(argv['kube-apiserver'].slice(-2)).toEqual(extra['kube-apiserver']);
  });
});
