import type { StoredDocument } from '../../replication/documents.ts';
import { SyncError } from '../../replication/errors.ts';
import { centerPartition, formatId, parseId, testOfPartition } from '../../replication/ids.ts';
import type { Replica } from '../replica.ts';

export interface EnrollmentDocument extends StoredDocument {
  enrollmentId: string;
  registrationNumber: string;
  testId: string;
  accessCode: string;
  enrollmentStatus: string;
  paymentStatus: string;
  seat?: number;
}

/** The candidates of this center, found by their access codes; read from the replica as it changes. */
export interface Candidates {
  /** Reads what has changed in the replica since the last call. */
  catchUp(): Promise<void>;
  /** @returns the enrollment with this access code, as it stands now. */
  find(accessCode: string): Promise<EnrollmentDocument | undefined>;
  readonly size: number;
}

export interface CandidateEvents {
  /** A document of this test has changed. */
  testChanged(testId: string): void;
  /** A student or enrollment has changed. */
  registrationChanged(): void;
  /** A session, answer sheet or result of this enrollment has changed, here or elsewhere. */
  workChanged(enrollmentId: string): Promise<void>;
}

const PAGE = 500;
const REGISTRATION_TYPES = new Set(['student', 'enrollment']);
const WORK_TYPES = new Set(['session', 'answers', 'result']);

export async function openCandidates(
  replica: Replica,
  centerId: string,
  events: CandidateEvents,
): Promise<Candidates> {
  const own = centerPartition(centerId);
  const codes = new Map<string, string>();
  const enrollments = new Map<string, string>();
  let since = Number((await replica.db.info()).update_seq);
  let running: Promise<void> | undefined;

  function keep(enrollmentId: string, doc: StoredDocument | undefined): void {
    const known = enrollments.get(enrollmentId);
    // Another enrollment may have got the code meanwhile.
    if (known !== undefined && codes.get(known) === enrollmentId) codes.delete(known);
    enrollments.delete(enrollmentId);
    if (typeof doc?.accessCode !== 'string') return;
    codes.set(doc.accessCode, enrollmentId);
    enrollments.set(enrollmentId, doc.accessCode);
  }

  async function changed(id: string): Promise<void> {
    const parts = parseId(id);
    if (!parts) return;
    const testId = testOfPartition(parts.partition);
    if (testId !== undefined) events.testChanged(testId);
    if (parts.partition !== own) return;
    if (parts.type === 'enrollment') keep(parts.key, await read(replica, id));
    if (REGISTRATION_TYPES.has(parts.type)) events.registrationChanged();
    if (WORK_TYPES.has(parts.type)) await events.workChanged(parts.key);
  }

  async function follow(): Promise<void> {
    for (;;) {
      const { results } = await replica.db.changes({ since, limit: PAGE });
      for (const { id } of results) await changed(id);
      const last = results.at(-1);
      if (!last) return;
      since = Number(last.seq);
    }
  }

  for await (const doc of documentsOf(replica, `${own}:enrollment`)) {
    keep(parseId(doc._id)?.key as string, doc);
  }
  return {
    catchUp() {
      running ??= follow().finally(() => {
        running = undefined;
      });
      return running;
    },
    async find(accessCode) {
      const enrollmentId = codes.get(accessCode);
      if (enrollmentId === undefined) return undefined;
      return (await read(replica, formatId(own, 'enrollment', enrollmentId))) as
        | EnrollmentDocument
        | undefined;
    },
    get size() {
      return codes.size;
    },
  };
}

/** The live documents whose ids begin with `<partition>:<type>:`. */
export async function* documentsOf(replica: Replica, prefix: string): AsyncGenerator<StoredDocument> {
  let startkey = `${prefix}:`;
  for (let skip = 0; ; skip = 1) {
    const page = { startkey, endkey: `${prefix};`, limit: PAGE, skip, include_docs: true };
    const { rows } = await replica.db.allDocs(page);
    for (const { doc } of rows) if (doc) yield doc as StoredDocument;
    const last = rows.at(-1);
    if (!last || rows.length < PAGE) return;
    startkey = last.id;
  }
}

/** A live document of the replica, `undefined` when there is none. */
export async function read(replica: Replica, id: string): Promise<StoredDocument | undefined> {
  return replica.db.get(id).catch((error: { status?: number }) => {
    if (error.status !== 404) throw error;
    return undefined;
  });
}

/** Who a candidate is, for "is this you?"; without names where the student's document is not here. */
export interface CandidateName {
  firstName?: string;
  middleName?: string;
  lastName?: string;
  seat?: number;
}

type Enrolled = Pick<EnrollmentDocument, 'enrollmentId' | 'registrationNumber'>;

/** Who the candidates are: read once for each state of the registration. */
export interface CandidateNames {
  of(enrolled: Enrolled): Promise<CandidateName>;
  /** A student or enrollment has changed. */
  changed(): void;
}

export function createNames(replica: Replica, centerId: string): CandidateNames {
  const known = new Map<string, { state: number; name: CandidateName }>();
  let state = 0;
  return {
    async of(enrolled) {
      const { enrollmentId } = enrolled;
      const before = known.get(enrollmentId);
      if (before?.state === state) return before.name;
      const present = state;
      try {
        const name = await readCandidate(replica, centerId, enrolled);
        known.set(enrollmentId, { state: present, name });
        return name;
      } catch (error) {
        // A candidate can be told of a session while the replica is closed.
        if (error instanceof SyncError && before) return before.name;
        throw error;
      }
    },
    changed() {
      state += 1;
    },
  };
}

async function readCandidate(
  replica: Replica,
  centerId: string,
  { enrollmentId, registrationNumber }: Enrolled,
): Promise<CandidateName> {
  const own = centerPartition(centerId);
  const [student, enrollment] = await Promise.all([
    read(replica, formatId(own, 'student', registrationNumber)),
    read(replica, formatId(own, 'enrollment', enrollmentId)),
  ]);
  const { firstName, middleName, lastName } = (student ?? {}) as CandidateName;
  const { seat } = (enrollment ?? {}) as CandidateName;
  return JSON.parse(JSON.stringify({ firstName, middleName, lastName, seat })) as CandidateName;
}
