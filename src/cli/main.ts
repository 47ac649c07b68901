#!/usr/bin/env node
import { Interruption } from './interruption.ts';

// A reader that goes away (`| head`) ends the output, not the run.
process.stdout.on('error', () => {});
process.stderr.on('error', () => {});

// Before the rest of the program is loaded, which takes a moment.
const interruption = new Interruption();
interruption.listen();
const { main } = await import('./program.ts');
const exitCode = await main(process.argv.slice(2), interruption);
// Sockets of a library could keep the process alive: everything of ours has been closed by now.
process.exit(exitCode);
