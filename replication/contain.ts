import { AsyncLocalStorage } from 'node:async_hooks';

/** Called with what a contained run threw, at whatever later time it did. */
export type OnFailure = (error: unknown) => void;

const contained = new AsyncLocalStorage<OnFailure>();

/**
 * Runs code that is not ours so that nothing it throws ends the process: neither an exception in a callback nor a
 * promise that nobody handles. Each goes to the run that it came from. What comes from elsewhere still ends the
 * process, unless the program itself listens for it.
 */
export function contain(run: () => void, onFailure: OnFailure): void {
  if (!process.listeners('unhandledRejection').includes(onRejection)) {
    process.on('unhandledRejection', onRejection);
    process.on('uncaughtException', onException);
  }
  contained.run(onFailure, () => {
    try {
      run();
    } catch (error) {
      onFailure(error);
    }
  });
}

function onRejection(error: unknown): void {
  const onFailure = contained.getStore();
  if (onFailure) onFailure(error);
  // A listener takes Node's own answer away: thrown here, it is an exception that nobody caught.
  else if (process.listenerCount('unhandledRejection') === 1) throw error;
}

function onException(error: Error): void {
  const onFailure = contained.getStore();
  if (onFailure) {
    onFailure(error);
  } else if (process.listenerCount('uncaughtException') === 1) {
    console.error(error);
    process.exit(1);
  }
}
