import { thisMachine } from '../base/machine.ts';
import { tool } from '../base/package-info.ts';
import type { RunIdentity } from '../gate/identity.ts';
import { wireProfile } from '../hollow/wire-profile.ts';
import { wireFormats } from '../wire/codec.ts';
import type { Earlier } from './again.ts';
import { checkedBinaries, identityModes, nodeIdentityOf } from './options.ts';

/**
 * What is known of a run's identity before it begins.
 * @param like says what is not known yet: the argv of the control plane's components, all of a cluster that is somebody's.
 */
export function expectedIdentity({ loaded, flags }: Earlier, like: RunIdentity): RunIdentity {
  const { scenario, document } = loaded;
  const isOwn = flags.kubeconfig === undefined;
  const identity = nodeIdentityOf(flags) ?? (isOwn ? identityModes[0] : like.wire.identity);
  return {
    scenario: scenario.name,
    seed: scenario.seed,
    // As it comes back from a file.
    parameters: JSON.parse(JSON.stringify(document)) as unknown,
    machine: thisMachine(),
    kubernetes: isOwn ? versionOf(flags, like.kubernetes) : like.kubernetes,
    tool: { version: tool.version, node: process.version },
    flags: {
      profile: isOwn ? (flags.flags ?? scenario.controlPlane.flags) : like.flags.profile,
      components: like.flags.components,
    },
    wire: {
      profile: wireProfile(flags.profile).name,
      identity,
      codec: flags.wire ?? wireFormats[0],
    },
    server: isOwn ? null : like.server,
  };
}

/** Binaries in a folder that somebody names are of whatever version they are. */
function versionOf(flags: Earlier['flags'], otherwise: string): string {
  const { version, binariesDir } = checkedBinaries(flags);
  const isNamed = binariesDir !== undefined || process.env['KUBEBUILDER_ASSETS'] !== undefined;
  return isNamed ? otherwise : version;
}
