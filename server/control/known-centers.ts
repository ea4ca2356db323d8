import type { ServerParts } from '../parts.ts';

/** Whether there is such a center: one with a secret, or with documents, which may have come this moment. */
export async function isCenter(
  { credentials, feed }: Pick<ServerParts, 'credentials' | 'feed'>,
  centerId: string,
): Promise<boolean> {
  const isKnown = () => credentials.exists(centerId) || feed.centers().includes(centerId);
  if (isKnown()) return true;
  await feed.fresh();
  return isKnown();
}
