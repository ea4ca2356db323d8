import { useEffect, useRef, useState } from 'preact/hooks';
import { ask, Problem } from '../../replication/pages/ask.ts';

/** What the API answers to a question that a screen asks. */
export interface Answered<Answer> {
  answer: Answer | undefined;
  problem: Problem | undefined;
  /** Asks again now. */
  ask(): Promise<void>;
}

/** Asks when it is shown, when the path changes, and every so often; an answer to an earlier path is dropped. */
export function useAnswer<Answer>(path: string, everyMs?: number): Answered<Answer> {
  const [state, setState] = useState<{ answer?: Answer; problem?: Problem }>({});
  const asked = useRef(path);
  const get = async () => {
    try {
      const answer = await ask<Answer>('GET', path);
      if (asked.current === path) setState({ answer });
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      const problem = error;
      if (asked.current === path) setState((before) => ({ ...before, problem }));
    }
  };
  useEffect(() => {
    asked.current = path;
    void get();
    if (everyMs === undefined) return;
    const timer = setInterval(get, everyMs);
    return () => clearInterval(timer);
  }, [path]);
  return { answer: state.answer, problem: state.problem, ask: get };
}
