import { createHash } from 'node:crypto';
import { canonicalJson } from '../../replication/canonical.ts';
import type { StoredDocument } from '../../replication/documents.ts';
import { SyncError } from '../../replication/errors.ts';
import type { AnswerSheet, ExamResult, ExamSession } from '../../replication/exam-documents.ts';
import { createGroupCommit, type WriteOutcome } from '../../replication/group-commit.ts';
import { centerPartition, formatId } from '../../replication/ids.ts';
import { revisionsOf } from '../../replication/revisions.ts';
import { storageError } from '../level.ts';
import type { Replica } from '../replica.ts';
import { documentsOf, read } from './candidates.ts';

/** What one candidate's work is in the replica. */
export interface CandidateWork {
  session: ExamSession | undefined;
  sheet: AnswerSheet | undefined;
  result: ExamResult | undefined;
}

/** Candidates' documents in the replica; writes that come together share one sync. */
export interface WorkDocuments {
  read(enrollmentId: string): Promise<CandidateWork>;
  /** The sessions that an exam API has written. */
  sessions(): AsyncIterable<ExamSession>;
  /** @returns an outcome for each document, in their order. @throws SyncError insufficient_storage. */
  write(docs: readonly (ExamSession | AnswerSheet | ExamResult)[]): Promise<WriteOutcome[]>;
  /**
   * Writes a result. Where another node of the center has written one for the same enrollment, both are kept, side by
   * side, and a person decides.
   */
  writeResult(result: ExamResult): Promise<void>;
  /** Whether the document as it stands was made from this revision. */
  descends(id: string, rev: string): Promise<boolean>;
}

export function createWorkDocuments(replica: Replica, centerId: string): WorkDocuments {
  const own = centerPartition(centerId);
  const commits = createGroupCommit({ bulkDocs: bulkDocs as Replica['db']['bulkDocs'] });

  function bulkDocs(docs: never, options: { new_edits: boolean }) {
    return replica.db.bulkDocs(docs, options);
  }

  async function write(docs: readonly object[], options: { newEdits: boolean }): Promise<WriteOutcome[]> {
    try {
      return await commits.write(docs as StoredDocument[], options);
    } catch (error) {
      if (error instanceof SyncError) throw error;
      throw storageError(error);
    }
  }

  return {
    async read(enrollmentId) {
      const [session, sheet, result] = await Promise.all(
        ['session', 'answers', 'result'].map((type) => read(replica, formatId(own, type, enrollmentId))),
      );
      return {
        session: isOurs(session) ? (session as unknown as ExamSession) : undefined,
        sheet: isOurs(sheet) ? (sheet as unknown as AnswerSheet) : undefined,
        result: result as ExamResult | undefined,
      };
    },
    async *sessions() {
      for await (const doc of documentsOf(replica, `${own}:session`)) {
        if (isOurs(doc)) yield doc as unknown as ExamSession;
      }
    },
    write: (docs) => write(docs, { newEdits: true }),
    async writeResult(result) {
      if (allWritten(await write([result], { newEdits: true }))) return;
      const hash = createHash('md5').update(canonicalJson(result)).digest('hex');
      allWritten(await write([{ ...result, _rev: `1-${hash}` }], { newEdits: false }));
    },
    async descends(id, rev) {
      const { _revisions } = (await replica.db.get(id, { revs: true })) as StoredDocument;
      return _revisions !== undefined && revisionsOf(_revisions).includes(rev);
    },
  };
}

/** Other programs at the center may write these types in a form of their own. */
function isOurs(doc: StoredDocument | undefined): boolean {
  return typeof doc?.sessionId === 'string';
}

/** Whether every document was written; false when one was changed meanwhile. @throws SyncError for another reason. */
export function allWritten(outcomes: readonly WriteOutcome[]): boolean {
  for (const outcome of outcomes) {
    if ('ok' in outcome || outcome.status === 409) continue;
    throw new SyncError('internal_error', `${outcome.id} could not be saved: ${outcome.reason}`);
  }
  return outcomes.every((outcome) => 'ok' in outcome);
}
