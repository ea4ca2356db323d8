import type { CoreParts } from '../../parts.ts';
import type { Ingest } from './ingest.ts';

/** Starts ingest if the configuration names a source. The driver is not loaded where there is none. */
export async function openIngest(parts: Omit<CoreParts, 'mirrors' | 'ingest'>): Promise<Ingest | undefined> {
  const uri = parts.config.ingestMongodbUri;
  if (uri === undefined) return undefined;
  const { startIngest } = await import('./ingest.ts');
  return startIngest(uri, parts);
}
