import type { AttachedBytes, Content } from './content.ts';

/**
 * Merges attachments so that none is lost: one that is on any side is there afterwards, unless a side has removed what
 * the base had and no other side has changed it. Two that share a name are both kept: the first side's under the name,
 * another's under `<name>.<rev>`.
 * @param sides in the order of who wins.
 */
export function mergeAttachments(
  sides: readonly Content[],
  base: Content | undefined,
): Record<string, AttachedBytes> {
  const merged = new Map<string, AttachedBytes>();
  for (const { attachments } of sides) {
    for (const [name, attachment] of Object.entries(attachments)) {
      if (isRemoved(name, attachment, sides, base)) continue;
      const held = merged.get(name);
      if (!held) merged.set(name, attachment);
      else if (held.digest !== attachment.digest && isChanged(name, attachment, base)) {
        if (!isChanged(name, held, base)) merged.set(name, attachment);
        else merged.set(`${name}.${attachment.rev}`, attachment);
      }
    }
  }
  return Object.fromEntries(merged);
}

function isRemoved(
  name: string,
  attachment: AttachedBytes,
  sides: readonly Content[],
  base: Content | undefined,
): boolean {
  if (base === undefined || isChanged(name, attachment, base)) return false;
  return sides.some(({ attachments }) => !Object.hasOwn(attachments, name));
}

function isChanged(name: string, { digest }: AttachedBytes, base: Content | undefined): boolean {
  const before = base && Object.hasOwn(base.attachments, name) ? base.attachments[name] : undefined;
  return before?.digest !== digest;
}
