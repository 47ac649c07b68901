/**
 * Where progress and remarks go. Rooms below `cli/` never write to a stream of their own: they tell a reporter, and
 * the CLI decides between a live display, plain lines, JSON lines and silence.
 */
export interface Reporter {
  /** Something that took or takes a while has started: `Building the control plane from Go modules`. */
  step(text: string): void;
  /** How far the current step is; `fraction` in 0..1 where it is known. */
  progress(text: string, fraction?: number): void;
  /** A remark worth keeping on the screen. */
  info(text: string): void;
  warn(text: string): void;
}

export const silentReporter: Reporter = { step() {}, progress() {}, info() {}, warn() {} };
