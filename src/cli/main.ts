#!/usr/bin/env node
import { main } from './program.ts';

// A reader that goes away (`| head`) ends the output, not the run.
process.stdout.on('error', () => {});
process.stderr.on('error', () => {});

const exitCode = await main(process.argv.slice(2));
// Sockets of a library could keep the process alive: everything of ours has been closed by now.
process.exit(exitCode);
