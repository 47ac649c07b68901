/** What Go's strconv.ParseBool takes for false. */
const goFalse: ReadonlySet<string> = new Set(['0', 'f', 'F', 'false', 'FALSE', 'False']);

/** The controller that gives nodes their ranges, and what it is called besides (names/controller_names.go, app/core.go). */
const controllerNames: readonly string[] = ['node-ipam-controller', 'nodeipam'];

/** Whether a controller manager with these flags gives nodes ranges of addresses for their pods. */
export function givesPodRanges(flags: readonly string[]): boolean {
  const allocates = valuesOf(flags, '--allocate-node-cidrs').at(-1);
  if (allocates === undefined || goFalse.has(allocates)) return false;
  const controllers = valuesOf(flags, '--controllers').flatMap((list) => list.split(','));
  // The first that names it decides (controller-manager, app/helper.go); without any flag it is `*`.
  for (const controller of controllers) {
    if (controllerNames.includes(controller)) return true;
    if (controller.startsWith('-') && controllerNames.includes(controller.slice(1))) return false;
  }
  return controllers.length === 0 || controllers.includes('*');
}

function valuesOf(flags: readonly string[], name: string): string[] {
  return flags.filter((flag) => flag.startsWith(`${name}=`)).map((flag) => flag.slice(name.length + 1));
}
