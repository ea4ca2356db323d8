declare module 'express-pouchdb' {
  import type { IncomingMessage, ServerResponse } from 'node:http';

  type ErrorHandler = (
    error: unknown,
    request: IncomingMessage,
    response: ServerResponse,
    next: (error?: unknown) => void,
  ) => void;
  interface ExpressApp {
    (request: IncomingMessage, response: ServerResponse): void;
    use(handler: ErrorHandler): void;
    disable(setting: string): void;
  }
  interface Options {
    mode?: 'minimumForPouchDB' | 'fullCouchDB';
    overrideMode?: { include?: string[]; exclude?: string[] };
  }
  export default function expressPouchDB(pouch: object, options: Options): ExpressApp;
}
