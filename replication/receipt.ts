import { centerPartition, formatId, parseId } from './ids.ts';
import { isSignedBy, type PrivateKey, type PublicKey, type Signed, signDocument } from './signing.ts';

/**
 * The server's word that one revision of a result is stored and on its disk. It says nothing of when, so that the same
 * result has the same receipt however often it is made: writing it again changes nothing.
 */
export interface Receipt extends Signed {
  _id: string;
  type: 'receipt';
  centerId: string;
  enrollmentId: string;
  /** The id and revision of the result document. */
  resultId: string;
  resultRev: string;
}

/** The receipt for a stored result. @throws TypeError for an id that is not a center's result. */
export function makeReceipt(centerId: string, resultId: string, resultRev: string, key: PrivateKey): Receipt {
  const id = parseId(resultId);
  if (id?.type !== 'result') throw new TypeError(`not a result: ${resultId}`);
  const fields = { type: 'receipt' as const, centerId, enrollmentId: id.key, resultId, resultRev };
  return { _id: receiptId(centerId, id.key, resultRev), ...signDocument(fields, key) };
}

export function receiptId(centerId: string, enrollmentId: string, resultRev: string): string {
  return formatId(centerPartition(centerId), 'receipt', `${enrollmentId}.${resultRev}`);
}

/** Whether `document` is the server's receipt for this revision of this result. */
export function confirms(document: object, resultId: string, resultRev: string, key: PublicKey): boolean {
  const receipt = document as Partial<Receipt>;
  return receipt.resultId === resultId && receipt.resultRev === resultRev && isSignedBy(document, key);
}
