/** One request as it went over the wire. Times are microseconds since the epoch. */
export type RecordedRequest = {
  /** Counts connections of one recorder from 1. */
  connection: number;
  method: string;
  /** Without the query. */
  path: string;
  /** As it was sent, without the question mark; empty when there is none. */
  query: string;
  /** `system:node:<name>`; empty for a client without a certificate. */
  user: string;
  userAgent: string;
  requestType: string;
  /** What the client would take. */
  accept: string;
  responseType: string;
  /** Of the bodies as they are sent, before TLS and without HTTP/2's own frames. */
  upBytes: number;
  downBytes: number;
  /** 0 when there was no answer. */
  status: number;
  /** The API server's `Audit-Id`: what joins a request to its line in the audit log. Empty without an answer. */
  auditId: string;
  startUs: number;
  /** Undefined while it lasts, as a watch may for as long as the recording. */
  endUs: number | undefined;
  /** What a write has sent, as far as it is text and no longer than the recorder's bound. */
  body?: string;
};

/** One TLS connection of a client. Bytes are those of TLS, handshake included. */
export type RecordedConnection = {
  id: number;
  user: string;
  /** What TLS agreed on: `h2` or `http/1.1`. */
  protocol: string;
  readBytes: number;
  writtenBytes: number;
  startUs: number;
  endUs: number | undefined;
};

export type Recording = { requests: RecordedRequest[]; connections: RecordedConnection[] };
