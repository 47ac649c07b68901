import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a recipe's scripts call, without doing it: each call of hollowmark is written down. */
const programs: Record<string, string> = {
  git: '',
  npm: '',
  hollowmark: `for word in "$@"; do printf '%s\\037' "$word"; done >> "$STAND_IN_CALLS"
echo >> "$STAND_IN_CALLS"
case $1 in
  run)
    turn=$(grep -c '^run' "$STAND_IN_CALLS")
    code=$(echo "$STAND_IN_RUN_CODES" | cut -d ' ' -f "$turn")
    if [ "$code" -ne 6 ]; then
      mkdir -p "$REPORT"
      echo "$turn" > "$REPORT/result.json"
    fi
    exit "$code" ;;
  baseline)
    mkdir -p "$3"
    if [ "$2" = accept ]; then rm -f "$3"/*; fi
    touch "$3/$STAND_IN_NIGHT.run.json" ;;
  report)
    mkdir -p history
    echo '## what the report says' > "$REPORT/summary.md" ;;
esac
`,
};

/** Puts them into a folder. */
export function writeStandIns(dir: string): void {
  mkdirSync(dir, { recursive: true });
  for (const [name, body] of Object.entries(programs)) {
    writeFileSync(join(dir, name), `#!/bin/sh\n${body}`);
    chmodSync(join(dir, name), 0o755);
  }
}

/** Arguments of each call of hollowmark, in their order. */
export function callsIn(file: string): string[][] {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => line.split('\u001f').slice(0, -1));
}
