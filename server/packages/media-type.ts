import type { IncomingMessage } from 'node:http';
import { PACKAGE_MEDIA_TYPE } from '../../replication/package/manifest.ts';

const PACKAGE_TYPES = new Set([PACKAGE_MEDIA_TYPE, 'application/octet-stream']);

/** A route constraint: under one path a package has a route of its own beside the one for JSON. */
export const mediaTypeConstraint = {
  name: 'mediaType',
  storage<Route>() {
    const routes = new Map<string, Route>();
    return {
      get: (type: string) => routes.get(type) ?? null,
      set: (type: string, route: Route) => void routes.set(type, route),
    };
  },
  deriveConstraint({ headers }: IncomingMessage): string | undefined {
    const [type = ''] = (headers['content-type'] ?? '').split(';', 1);
    return PACKAGE_TYPES.has(type.trim().toLowerCase()) ? PACKAGE_MEDIA_TYPE : undefined;
  },
  validate() {},
};
