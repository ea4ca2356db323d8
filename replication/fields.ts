import { z } from 'zod';
import { isIdPart } from './ids.ts';

/** Fields that many types of documents have. */

export const idPart = z.string().refine(isIdPart, 'only A-Z a-z 0-9 . _ - are admitted');
export const text = z.string().min(1, 'is empty');
export const timestamp = z.iso.datetime({ error: 'not an ISO 8601 UTC time' });
export const count = z.int().nonnegative();
