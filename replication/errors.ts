/**
 * Every error that leaves the system: HTTP status, CouchDB's `error` word, and what an operator can do about it.
 * docs/errors.md lists the same table; a test keeps the two together.
 */
export const ERRORS = {
  bad_request: { statusCode: 400, action: 'Correct the request; the reason names what is wrong.' },
  not_a_package: {
    statusCode: 400,
    action: 'Choose a .cbtpkg file; for one of a newer format, update this side first.',
  },
  unauthorized: { statusCode: 401, action: 'Check the center id and secret, or the admin token.' },
  forbidden: {
    statusCode: 403,
    action: 'The write is kept in quarantine with this reason; an administrator decides.',
  },
  payment_due: { statusCode: 402, action: 'The candidate’s payment must be completed online first.' },
  outside_window: { statusCode: 403, action: 'Start the session between the test’s start and end.' },
  package_misdirected: {
    statusCode: 403,
    action: 'Take it to the center that the reason names, or have one made for this side’s present key.',
  },
  package_untrusted: {
    statusCode: 403,
    action: 'Do not use it. Have the other side make another; after a change of keys, set the node up again.',
  },
  not_found: {
    statusCode: 404,
    action: 'Check the id. What is outside a center’s scope is not there for it.',
  },
  method_not_allowed: { statusCode: 405, action: 'Use a method that this path has.' },
  conflict: {
    statusCode: 409,
    action: 'Read the document again and repeat the change on its newest revision.',
  },
  session_submitted: { statusCode: 409, action: 'Nothing: the session is over, its answers are kept.' },
  package_out_of_order: {
    statusCode: 409,
    action: 'Import what comes before it first, or have one made with --since zero; check the clocks.',
  },
  file_exists: { statusCode: 412, action: 'The database is there already; nothing has to be done.' },
  missing_stub: {
    statusCode: 412,
    action: 'Send the attachment itself: the revision it refers to is not there.',
  },
  too_large: { statusCode: 413, action: 'Send smaller batches.' },
  unsupported_media_type: { statusCode: 415, action: 'Send the content type that the path expects.' },
  package_damaged: {
    statusCode: 422,
    action: 'Copy the file again from where it was made, or have it made again; nothing was imported.',
  },
  too_many_requests: { statusCode: 429, action: 'Wait as long as Retry-After says.' },
  internal_error: {
    statusCode: 500,
    action: 'Look in the log for the request id; report it if it happens again.',
  },
  hub_unavailable: { statusCode: 502, action: 'Check that the CouchDB at HUB_URL answers.' },
  not_ready: { statusCode: 503, action: 'Wait: the feed index is being built, or the process is stopping.' },
  unreachable: { statusCode: 503, action: 'Check that the other side runs and that the line is up.' },
  in_use: {
    statusCode: 503,
    action: 'Stop the process that holds the folder or the port, or choose another.',
  },
  insufficient_storage: {
    statusCode: 507,
    action: 'Free space on the disk; the process goes on by itself. What was acknowledged is safe.',
  },
} as const;

/** A code of the table: CouchDB's `error` word where it has one. */
export type ErrorCode = keyof typeof ERRORS;

/** The one error class: becomes `{error, reason}` with its status on the wire, one line on a terminal. */
export class SyncError extends Error {
  readonly code: ErrorCode;
  readonly reason: string;

  constructor(code: ErrorCode, reason: string, options?: ErrorOptions) {
    super(`${code}: ${reason}`, options);
    this.name = 'SyncError';
    this.code = code;
    this.reason = reason;
  }

  get statusCode(): number {
    return ERRORS[this.code].statusCode;
  }

  /** The body CouchDB clients expect. */
  toJSON(): { error: string; reason: string } {
    return { error: this.code, reason: this.reason };
  }
}

/** What LevelDB says when the system has no room for what it writes; it has no code for that. */
const NO_SPACE = /No space left on device|Disk quota exceeded|File too large/;

/** The error of the table for a write that failed for want of space, `undefined` for any other failure. */
export function outOfSpace(error: unknown): SyncError | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (!NO_SPACE.test(cause.message)) continue;
    return new SyncError('insufficient_storage', 'the disk is full: nothing was saved', { cause: error });
  }
  return undefined;
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  if (error instanceof Error) return error.message;
  // PouchDB throws what a server answered as it came: {error, reason}.
  const { reason, message } = Object(error) as { reason?: unknown; message?: unknown };
  return String(reason ?? message ?? error);
}
