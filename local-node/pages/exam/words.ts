import { createCatalog } from '../../../replication/pages/language.ts';
import { english, type Words } from './words-en.ts';
import { french } from './words-fr.ts';

export type { Words };
export const { Languages, useWords } = createCatalog<Words>({ en: english, fr: french });
