import type { DocumentType } from '../documents.ts';
import { isObject } from '../json.ts';
import { type Content, type Fields, fieldOf, sameContent } from './content.ts';
import { mergeAnswers } from './merge-answers.ts';
import { mergeAttachments } from './merge-attachments.ts';
import { changedValue, changers, type FieldRule, mergeFields } from './merge-fields.ts';

/** One live leaf as a policy sees it. */
export interface LeafSide extends Content {
  rev: string;
  /** Whether it is recorded that a center wrote a revision of this branch. */
  byCenter: boolean;
}

/** What a policy says: the content that is to stand, or that a person decides, with what is suggested to them. */
export interface Verdict {
  waits: boolean;
  reason: string;
  content?: Content;
}

/** @param sides at least two, in CouchDB's order of leaves. @param base `undefined`: a two-way merge. */
type Policy = (sides: readonly LeafSide[], base: Content | undefined) => Verdict;

/**
 * What becomes of a conflict, by type. Which side wrote a leaf is told by what every machine can see: a center may write
 * sessions, answers, results, logs, and an enrollment's seat and attendance; all else was written online. A field that
 * two sides changed goes, where nothing else is said, to the leaf that CouchDB makes the winner.
 */
export const POLICIES: Readonly<Record<DocumentType, Policy>> = {
  center: onlineWins,
  subject: onlineWins,
  test: onlineWins,
  question: onlineWins,
  assignment: onlineWins,
  receipt: onlineWins,
  student: mergeStudent,
  enrollment: mergeEnrollment,
  session: mergeSession,
  answers: mergeSheets,
  result: collapseResults,
  log: keepBoth,
};

/**
 * All sides were written online, so the first of them stands as a whole: half of one question and half of another make
 * none. Its attachments are joined with the others'.
 */
function onlineWins(sides: readonly LeafSide[], base: Content | undefined): Verdict {
  const { fields } = sides[0] as LeafSide;
  const reason = 'written online: the winning revision stands as a whole';
  return { waits: false, reason, content: { fields, attachments: mergeAttachments(sides, base) } };
}

function mergeStudent(sides: readonly LeafSide[], base: Content | undefined): Verdict {
  return merged(sides, base, {}, 'merged field by field');
}

/**
 * A center changes nothing but seat and attendance, so any other change was made online. Of two that changed the seat,
 * the center's is the one that is recorded as such, else one that marked attendance, else one that changed nothing a
 * center may not change.
 */
function mergeEnrollment(sides: readonly LeafSide[], base: Content | undefined): Verdict {
  const ofCenter = ['seat', 'attendance'];
  const evidence = (side: LeafSide): number => {
    if (side.byCenter) return 3;
    if (changers([side], base?.fields, 'attendance').length > 0) return 2;
    const names = new Set([...Object.keys(side.fields), ...Object.keys(base?.fields ?? {})]);
    const changed = [...names].filter((name) => changers([side], base?.fields, name).length > 0);
    return changed.every((name) => ofCenter.includes(name)) ? 1 : 0;
  };
  const centerFirst = sides.toSorted((a, b) => evidence(b) - evidence(a));
  const rule: FieldRule = (_sides, name) => changedValue(centerFirst, base?.fields, name);
  const reason = 'merged field by field; seat and attendance as the center has them';
  return merged(sides, base, { seat: rule, attendance: rule }, reason);
}

/** A session once submitted stays so; how it ended is told by the side that submitted last. */
function mergeSession(sides: readonly LeafSide[], base: Content | undefined): Verdict {
  const ended = sides
    .filter(({ fields }) => fields.status === 'submitted')
    .toSorted((a, b) => timeOf(b.fields) - timeOf(a.fields))[0];
  const asEnded: FieldRule = (_sides, name) => fieldOf((ended as LeafSide).fields, name);
  const rules = {
    startedAt: earliest(base),
    extraMinutes: greatest(base),
    ...(ended && {
      status: asEnded,
      submittedAt: asEnded,
      submittedBy: asEnded,
      nodeId: asEnded,
      keyId: asEnded,
    }),
  };
  return merged(sides, base, rules, 'merged; submitted as soon as one side is, with all extra time');
}

function mergeSheets(sides: readonly LeafSide[], base: Content | undefined): Verdict {
  if (!sides.every(({ fields }) => isObject(fields.answers))) {
    return { waits: true, reason: 'a side has no map of answers' };
  }
  const rules = {
    answers: () => mergeAnswers(sides, base?.fields),
    elapsedMs: greatest(base),
  };
  return merged(sides, base, rules, 'merged question by question: the higher n, then the later time');
}

/**
 * What is not what was scored: which node wrote the result, with which key, when, and where its log stood. Two nodes
 * that scored one candidate's same choices differ in these alone.
 */
const MARKS_OF_THE_NODE = [
  'nodeId',
  'keyId',
  'signature',
  'logHead',
  'startedAt',
  'submittedAt',
  'submittedBy',
];

/** Results are signed and never merged. */
function collapseResults(sides: readonly LeafSide[]): Verdict {
  const [first] = sides as readonly [LeafSide];
  const scored = scoredIn(first);
  if (sides.every((side) => sameContent(scoredIn(side), scored))) {
    return { waits: false, reason: 'the results say the same', content: first };
  }
  const suggestion = sides.toSorted(
    (a, b) => answeredOf(b.fields) - answeredOf(a.fields) || timeOf(b.fields) - timeOf(a.fields),
  )[0];
  const reason = 'the results differ: a result is never merged';
  return { waits: true, reason, ...(suggestion && { content: suggestion }) };
}

function keepBoth(): Verdict {
  const reason =
    'the log forks here, as when a node was copied or set back: both entries are kept as evidence';
  return { waits: true, reason };
}

function merged(
  sides: readonly LeafSide[],
  base: Content | undefined,
  rules: Readonly<Record<string, FieldRule<LeafSide>>>,
  reason: string,
): Verdict {
  const fields = mergeFields(sides, base?.fields, rules);
  return { waits: false, reason, content: { fields, attachments: mergeAttachments(sides, base) } };
}

/** The earliest of the sides' times. */
function earliest(base: Content | undefined): FieldRule {
  return (sides, name) => {
    const times = sides.map(({ fields }) => fieldOf(fields, name)).filter((value) => value !== undefined);
    if (!times.every((time) => typeof time === 'string')) return changedValue(sides, base?.fields, name);
    return times.toSorted((a, b) => Date.parse(a) - Date.parse(b) || (a < b ? -1 : 1))[0];
  };
}

/** The greatest of the sides' numbers. */
function greatest(base: Content | undefined): FieldRule {
  return (sides, name) => {
    const values = sides.map(({ fields }) => fieldOf(fields, name)).filter((value) => value !== undefined);
    if (!values.every((value) => typeof value === 'number')) return changedValue(sides, base?.fields, name);
    return values.length > 0 ? Math.max(...values) : undefined;
  };
}

/** Outcomes hold every choice; then the hash of the sheet, which counts saves and times, tells nothing more. */
function scoredIn({ fields, attachments }: Content): Content {
  const marks = isObject(fields.outcomes) ? [...MARKS_OF_THE_NODE, 'answersHash'] : MARKS_OF_THE_NODE;
  const scored = Object.entries(fields).filter(([name]) => !marks.includes(name));
  return { fields: Object.fromEntries(scored), attachments };
}

function answeredOf({ counts }: Fields): number {
  return isObject(counts) && typeof counts.answered === 'number' ? counts.answered : 0;
}

function timeOf({ submittedAt }: Fields): number {
  return (typeof submittedAt === 'string' && Date.parse(submittedAt)) || 0;
}
