import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import { Problem } from './ask.ts';
import { Reason } from './reason.ts';
import { html } from './view.ts';

/** Something that a person sets going: whether it runs, and how it ended. */
export interface Act {
  isRunning: boolean;
  problem: Problem | undefined;
  /** Does nothing while it runs already. @returns whether it went well. */
  run(work: () => Promise<unknown>): Promise<boolean>;
}

export function useAct(): Act {
  const [isRunning, setRunning] = useState(false);
  const [problem, setProblem] = useState<Problem | undefined>();
  return {
    isRunning,
    problem,
    async run(work) {
      if (isRunning) return false;
      setRunning(true);
      setProblem(undefined);
      try {
        await work();
        return true;
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        setProblem(error);
        return false;
      } finally {
        setRunning(false);
      }
    },
  };
}

/** Why an act failed: in the page's words where it has some, else in the API's. */
export function Failure({
  problem,
  known = {},
}: {
  problem: Problem | undefined;
  known?: Readonly<Record<string, string>>;
}): VNode {
  return html`<div role="alert">
    ${
      problem &&
      html`<p class="notice bad">
        ${known[problem.code] ?? html`<${Reason} code=${problem.code} reason=${problem.message} />`}
      </p>`
    }
  </div>`;
}
