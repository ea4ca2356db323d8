/** The keys of the Redis mirror; all begin with one prefix, and nothing outside it is touched. */

const PREFIX = 'cbt:';

/** Lease, term and mark. */
export const MIRROR_KEY = `${PREFIX}mirror`;
/** The events, as a capped stream. */
export const EVENTS_KEY = `${PREFIX}events`;
/** Centers by their last replication, in milliseconds. */
export const RECENT_KEY = `${PREFIX}centers:recent`;
/** Centers by when they were last heard of; the ones that have been silent longest come first. */
export const SILENT_KEY = `${PREFIX}centers:silent`;

/** Where a center stands: a hash. */
export const centerKey = (centerId: string) => `${PREFIX}center:${centerId}`;
/** A center's sessions, enrollment id to status: a hash. */
export const sessionsKey = (centerId: string) => `${PREFIX}sessions:${centerId}`;
/** The enrollments whose results the server has confirmed: a set. */
export const confirmedKey = (centerId: string) => `${PREFIX}confirmed:${centerId}`;
/** A finished session: a hash. */
export const resultKey = (enrollmentId: string) => `${PREFIX}result:${enrollmentId}`;

/** What is made of the hub's documents, and goes when the hub is read from its beginning. */
export const RESULT_PATTERN = `${PREFIX}result:*`;
export const DATA_PATTERNS = [RESULT_PATTERN, `${PREFIX}sessions:*`, `${PREFIX}confirmed:*`];

/** The channel that a center's events are published on. */
export const channelOf = (centerId: string) => `sync:${centerId}`;
