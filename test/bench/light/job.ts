/** One center's database as a light client reaches it. */
export interface LightTarget {
  centerId: string;
  /** The database's URL. */
  url: string;
  authorization?: string;
}

export interface PullJob {
  kind: 'pull';
  targets: LightTarget[];
}

export interface PushJob {
  kind: 'push';
  targets: LightTarget[];
  /** Answer sheets of each center. */
  sheets: number;
  /** 72 make about 5 KB. */
  questionsPerSheet: number;
}

export interface WaitJob {
  kind: 'wait';
  targets: LightTarget[];
  /** Added to each `_changes`, with the center's id for `{center}`. */
  query: string;
  /** The hub database that documents are written to. */
  hubUrl: string;
  hubAuthorization?: string;
  writes: number;
}

export interface SaveJob {
  kind: 'save';
  url: string;
  /** A path that answers anybody, to open the connections with. */
  hello: string;
  /** Where each candidate saves, in turn, and what; `{n}` stands for a number that goes up from `n`. */
  candidates: { path: string[]; body: string; n: number }[];
  /** Whether a save is the next revision of a document. */
  revisions: boolean;
  /** A candidate's pace; absent: as fast as it is acknowledged. */
  intervalMs?: number;
  seconds: number;
}

export type LightJob = PullJob | PushJob | WaitJob | SaveJob;

export interface Transfer {
  documents: number;
  bytes: number;
  seconds: number;
}

/** From the acknowledgement of a write to its arrival, in milliseconds; sorted. */
export interface Arrivals {
  latenciesMs: number[];
}

export interface Saves {
  saves: number;
  seconds: number;
  /** Sorted. */
  latenciesMs: number[];
}
