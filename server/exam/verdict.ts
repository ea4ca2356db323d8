import type { Answer } from '../../replication/answer-sheet.ts';
import { canonicalJson } from '../../replication/canonical.ts';
import type { StoredDocument } from '../../replication/documents.ts';
import { isObject } from '../../replication/json.ts';
import { hashAnswers, type Score, type ScoredQuestion, scoreSheet } from '../../replication/scoring.ts';
import { isSignedBy } from '../../replication/signing.ts';
import type { NodeKey } from './node-records.ts';

/** What a result is checked against, as far as the hub has it. */
export interface Evidence {
  centerId: string;
  enrollmentId: string;
  /** The key that the result names, if the server knows it. */
  key: NodeKey | undefined;
  enrollment: StoredDocument | undefined;
  /** The test and its questions; `undefined` without the test. */
  test: ScoredTest | undefined;
  /** Every state of the answer sheet that the hub has. */
  sheets: readonly StoredDocument[];
}

/** A test as scoring needs it. */
export interface ScoredTest {
  questionCount: number;
  passingScorePercent: number;
  questions: ScoredQuestion[];
}

export type Signature = 'valid' | 'forged' | 'unknown key' | 'key of another center' | 'unsigned';
export type ScoreCheck = 'equal' | 'differs' | 'waiting for answers' | 'waiting for questions';

/** What the server found out about one revision of a result. */
export interface Findings {
  /** `waiting`: nothing is wrong so far, but something has not arrived yet. */
  state: 'verified' | 'flagged' | 'waiting';
  signature: Signature;
  score: ScoreCheck;
  /** What is wrong or missing, in plain words; none when it is verified. */
  reasons: string[];
  /** What the answers give, where that could be found out. */
  recomputed?: Omit<Score, 'outcomes'>;
}

/** Checks one revision of a result. */
export function examineResult(result: StoredDocument, evidence: Evidence): Findings {
  const signature = signatureOf(result, evidence);
  const wrong = [...signatureReasons(result, signature, evidence), ...scopeReasons(result, evidence)];
  const { score, reasons, recomputed } = scoreOf(result, evidence);
  if (score === 'differs') wrong.push(...reasons);
  const waits = score.startsWith('waiting') ? reasons : [];
  const state = wrong.length > 0 ? 'flagged' : waits.length > 0 ? 'waiting' : 'verified';
  return { state, signature, score, reasons: [...wrong, ...waits], ...(recomputed && { recomputed }) };
}

function signatureOf(result: StoredDocument, { centerId, key }: Evidence): Signature {
  if (typeof result.keyId !== 'string' || typeof result.signature !== 'string') return 'unsigned';
  if (!key) return 'unknown key';
  if (!isSignedBy(result, key.publicKey)) return 'forged';
  return key.centerId === centerId ? 'valid' : 'key of another center';
}

function signatureReasons(
  { keyId, nodeId }: StoredDocument,
  signature: Signature,
  { key }: Evidence,
): string[] {
  if (signature === 'valid') {
    return key?.instanceId === nodeId
      ? []
      : [`it names node ${nodeId}, its key is that of ${key?.instanceId}`];
  }
  if (signature === 'unsigned') return ['it is not signed'];
  if (signature === 'forged') return [`it was changed after it was signed, or not signed with key ${keyId}`];
  if (signature === 'unknown key') return [`no node has registered the key ${keyId}`];
  return [`the key ${keyId} is another center’s`];
}

function scopeReasons(result: StoredDocument, { enrollmentId, enrollment }: Evidence): string[] {
  const reasons: string[] = [];
  if (result.enrollmentId !== enrollmentId) {
    reasons.push(`it names enrollment ${result.enrollmentId}, its id ${enrollmentId}`);
  }
  if (!enrollment) reasons.push(`the center has no enrollment ${enrollmentId}`);
  else if (enrollment._deleted) reasons.push(`enrollment ${enrollmentId} was moved or taken out`);
  else if (enrollment.testId !== result.testId) {
    reasons.push(`it names test ${result.testId}, the enrollment is for ${enrollment.testId}`);
  } else if (
    result.registrationNumber !== undefined &&
    result.registrationNumber !== enrollment.registrationNumber
  ) {
    const { registrationNumber } = enrollment;
    reasons.push(
      `it names candidate ${result.registrationNumber}, the enrollment is ${registrationNumber}’s`,
    );
  }
  return reasons;
}

type Scored = Pick<Findings, 'score' | 'reasons' | 'recomputed'>;

function scoreOf(result: StoredDocument, { test, sheets }: Evidence): Scored {
  if (typeof result.answersHash !== 'string') {
    return { score: 'differs', reasons: ['it does not say which answers it was made of'] };
  }
  const sheet = sheets.find(
    ({ answers }) => isObject(answers) && hashAnswers(answers as never) === result.answersHash,
  );
  if (!sheet) {
    const others = sheets.length > 0 ? '; the sheet that is here is another' : '';
    return {
      score: 'waiting for answers',
      reasons: [`the answer sheet it was made of is not here${others}`],
    };
  }
  const questions = test?.questions ?? [];
  if (!test || questions.length < test.questionCount) {
    const found = test ? `${questions.length} of ${test.questionCount} questions are here` : 'it is not here';
    return { score: 'waiting for questions', reasons: [`of test ${result.testId}: ${found}`] };
  }
  const answers = sheet.answers as Record<string, Answer>;
  const { outcomes, ...recomputed } = scoreSheet(questions, answers, test.passingScorePercent);
  const reasons = [...differences(result, recomputed), ...outcomeDifferences(result.outcomes, outcomes)];
  return { score: reasons.length > 0 ? 'differs' : 'equal', reasons, recomputed };
}

function differences(result: StoredDocument, recomputed: Omit<Score, 'outcomes'>): string[] {
  return Object.entries(recomputed).flatMap(([field, value]) => {
    const [said, found] = [result[field], value].map(text);
    return said === found ? [] : [`${field} is ${said}, by the answers it is ${found}`];
  });
}

function outcomeDifferences(said: unknown, found: Score['outcomes']): string[] {
  const outcomes = isObject(said) ? said : {};
  const ids = new Set([...Object.keys(outcomes), ...Object.keys(found)]);
  const other = [...ids].filter((id) => text(outcomes[id]) !== text(found[id])).sort();
  if (other.length === 0) return [];
  const named = other.slice(0, 5).join(', ');
  return [`outcomes differ in ${named}${other.length > 5 ? ` and ${other.length - 5} more` : ''}`];
}

function text(value: unknown): string {
  return value === undefined ? 'absent' : canonicalJson(value);
}
