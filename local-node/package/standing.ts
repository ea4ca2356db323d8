import { EventEmitter } from 'node:events';

/** How far an import has come: in revisions; `total` is known once the package has been checked. */
export interface ImportStanding {
  phase: 'checking' | 'writing';
  revisions: number;
  total: number | null;
}

/** Where the import stands that is under way, for all who look, whoever began it. */
export interface UnderWay {
  readonly standing: ImportStanding | null;
  set(standing: ImportStanding | null): void;
  onChange(listener: () => void): () => void;
}

export function createUnderWay(): UnderWay {
  const events = new EventEmitter().setMaxListeners(0);
  let standing: ImportStanding | null = null;
  return {
    get standing() {
      return standing;
    },
    set(next) {
      standing = next;
      events.emit('change');
    },
    onChange(hear) {
      events.on('change', hear);
      return () => events.off('change', hear);
    },
  };
}
