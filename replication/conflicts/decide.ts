import { checkDocument, type StoredDocument } from '../documents.ts';
import { parseId } from '../ids.ts';
import { type Content, contentOf, sameContent } from './content.ts';
import { type Conflict, commonAncestor, type Leaf } from './leaves.ts';
import { type LeafSide, POLICIES, type Verdict } from './policies.ts';

/** What is to become of a conflict. */
export interface Decision extends Verdict {
  /** Why the merge had no base; absent when it had one, or when none is needed. */
  twoWay?: string;
}

/** The revision whose body a decision needs, if it needs one: the leaves' newest common ancestor. */
export function baseOf(conflict: Conflict): string | undefined {
  return commonAncestor(sidesOf(conflict), conflict.merged);
}

/** The leaves that are against each other: the live ones, or the only live one and a deletion. */
export function sidesOf({ live, deletions }: Conflict): Leaf[] {
  return live.length > 1 ? live : [...live, ...deletions];
}

/**
 * Decides a conflict by the policy of its type; `undefined` when there is nothing to decide. The order in which the
 * leaves come does not matter, and what one decision leaves is decided the same way again.
 * @param base the body of `baseOf`, `undefined` when the hub no longer has it or there is none.
 */
export function decide(conflict: Conflict, base: StoredDocument | undefined): Decision | undefined {
  if (conflict.live.length < 2) return decideDeletion(conflict);
  const sides = conflict.live.map(sideOf);
  const [first] = sides as [LeafSide];
  if (sides.slice(1).every((side) => sameContent(side, first))) {
    return { waits: false, reason: 'the leaves say the same', content: first };
  }
  const type = parseId(conflict.id)?.type ?? '';
  const policy = Object.hasOwn(POLICIES, type) ? POLICIES[type as keyof typeof POLICIES] : undefined;
  if (!policy) return { waits: true, reason: `there is no policy for documents of type ${type}` };
  const verdict = policy(sides, base && contentOf({ rev: base._rev as string, doc: base }));
  return { ...checked(conflict.id, verdict, sides), ...twoWay(conflict, base) };
}

/** What a decision makes must be as valid as what any client writes. */
function checked(id: string, verdict: Verdict, sides: readonly LeafSide[]): Verdict {
  const { content } = verdict;
  if (!content || sides.some((side) => side === content)) return verdict;
  const [issue] = checkDocument({ _id: id, ...content.fields });
  if (!issue) return verdict;
  return { waits: true, reason: `merged it would not be valid: ${issue.field}: ${issue.reason}`, content };
}

function twoWay(conflict: Conflict, base: StoredDocument | undefined): Pick<Decision, 'twoWay'> {
  if (base) return {};
  const ancestor = baseOf(conflict);
  return {
    twoWay: ancestor ? `the common ancestor ${ancestor} is compacted` : 'there is no common ancestor',
  };
}

/**
 * A deletion against an edit. CouchDB lets what is live win, and so nothing that happened at a center is ever deleted by
 * a merge. Only of an enrollment a person is asked: online it was moved or taken out, while the center went on with it.
 */
function decideDeletion({ id, live: [edit], deletions }: Conflict): Decision | undefined {
  const type = parseId(id)?.type;
  if (!edit || deletions.length === 0 || type !== 'enrollment') return undefined;
  const reason = 'deleted online while the center worked with it';
  return { waits: true, reason, content: contentOf(edit) };
}

function sideOf(leaf: Leaf): LeafSide {
  return { rev: leaf.rev, byCenter: leaf.byCenter !== undefined, ...contentOf(leaf) };
}

/** The first live leaf that says exactly this, if any: it can stand as it is. */
export function leafThatSays(conflict: Conflict, content: Content): Leaf | undefined {
  return conflict.live.find((leaf) => sameContent(contentOf(leaf), content));
}
